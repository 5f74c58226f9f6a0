// Command control-plane is three Kubernetes programs in one binary. It runs the one whose name it was started under, so
// that a folder of links to it has the layout of KUBEBUILDER_ASSETS.
//
// They share a binary to share one link step, never a process: the component registry is global, and tests stop and kill
// each program by itself.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		runControllers(os.Args[1:])
	default:
		fmt.Fprintf(os.Stderr, "%s: start me under one of the names etcd, kube-apiserver, kube-controller-manager\n", name)
		os.Exit(2)
	}
}
