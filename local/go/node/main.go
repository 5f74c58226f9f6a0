// Command node is what a single-node cluster runs beside the control plane, in one binary: the full controller manager,
// scheduler, kubelet, kube-proxy, cluster DNS and metrics-server. It runs the one whose name it was started under.
//
// It is not a part of the control plane's binary, which the demo and most tests need, and soon.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/hosts"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "kube-controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	case "kube-scheduler":
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	case "kubelet":
		os.Exit(cli.Run(kubelet.NewKubeletCommand(context.Background())))
	case "kube-proxy":
		os.Exit(cli.Run(proxy.NewProxyCommand()))
	case "metrics-server":
		os.Exit(cli.Run(newMetricsServerCommand(genericapiserver.SetupSignalContext())))
	case "coredns":
		dnsserver.Directives = []string{"bind", "errors", "hosts"} // those that are linked, in CoreDNS's order
		coremain.Run()
	default:
		fmt.Fprintf(os.Stderr, "%s: start me under one of the names coredns, kube-controller-manager, kube-proxy, kube-scheduler, kubelet, metrics-server\n", name)
		os.Exit(2)
	}
}
