package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	cacheddiscovery "k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/controller-manager/pkg/clientbuilder"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/deployment"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/namespace"
	"k8s.io/kubernetes/pkg/controller/replicaset"
	"k8s.io/kubernetes/pkg/controller/volume/pvcprotection"
)

const (
	resync       = 12 * time.Hour
	collectEvery = 30 * time.Second
	workers      = 5
	collectors   = 20
	apiWait      = time.Minute
)

// runControllers runs the controllers that the control plane needs, with the flags that the real
// kube-controller-manager has for them. Its other fifty cost a tenth of the build.
func runControllers(arguments []string) {
	flags := flag.NewFlagSet("kube-controller-manager", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "file with the API server's address and a token")
	address := flags.String("bind-address", "127.0.0.1", "address of /healthz")
	port := flags.Int("secure-port", 10257, "port of /healthz")
	certificate := flags.String("tls-cert-file", "", "certificate of /healthz")
	key := flags.String("tls-private-key-file", "", "its key")
	names := flags.String("controllers", "", "which controllers to run, comma separated")
	qps := flags.Float64("kube-api-qps", 20, "requests a second of each client")
	burst := flags.Int("kube-api-burst", 30, "and for a moment")
	ownCredentials := flags.Bool("use-service-account-credentials", true, "must be true: each controller acts under its own name")
	elect := flags.Bool("leader-elect", false, "must be false: there is one process")
	flags.Bool("profiling", false, "there is none")
	_ = flags.Parse(arguments)
	if !*ownCredentials || *elect {
		fail(fmt.Errorf("--use-service-account-credentials must be true and --leader-elect false"))
	}

	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	fail(err)
	config.QPS, config.Burst = float32(*qps), *burst
	manager := newManager(ctx, config)
	for _, name := range strings.Split(*names, ",") {
		start, known := starters[name]
		if !known {
			fail(fmt.Errorf("--controllers: %q is not linked into this program", name))
		}
		fail(start(ctx, manager))
	}
	manager.shared.Start(ctx.Done())
	manager.all.Start(ctx.Done())
	close(manager.started)

	http.HandleFunc("/healthz", func(answer http.ResponseWriter, _ *http.Request) { _, _ = answer.Write([]byte("ok")) })
	server := &http.Server{Addr: net.JoinHostPort(*address, strconv.Itoa(*port))}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServeTLS(*certificate, *key); err != http.ErrServerClosed {
		fail(err)
	}
}

// manager is what the controllers share: informers, and clients that act under the name of one controller each.
type manager struct {
	clients  clientbuilder.ControllerClientBuilder
	metadata metadata.Interface
	shared   informers.SharedInformerFactory
	all      informerfactory.InformerFactory
	mapper   *restmapper.DeferredDiscoveryRESTMapper
	started  chan struct{}
}

func newManager(ctx context.Context, config *rest.Config) *manager {
	client := kubernetes.NewForConfigOrDie(rest.AddUserAgent(rest.CopyConfig(config), "shared-informers"))
	fail(wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, apiWait, true, func(ctx context.Context) (bool, error) {
		answer, err := client.Discovery().RESTClient().Get().AbsPath("/healthz").DoRaw(ctx)
		return err == nil && string(answer) == "ok", nil
	}))
	metadataClient := metadata.NewForConfigOrDie(rest.AddUserAgent(rest.CopyConfig(config), "metadata-informers"))
	shared := informers.NewSharedInformerFactory(client, resync)
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(cacheddiscovery.NewMemCacheClient(client.Discovery()))
	go wait.Until(mapper.Reset, collectEvery, ctx.Done())
	return &manager{
		clients:  clientbuilder.NewDynamicClientBuilder(rest.AnonymousClientConfig(config), client.CoreV1(), metav1.NamespaceSystem),
		metadata: metadataClient,
		shared:   shared,
		all:      informerfactory.NewInformerFactory(shared, metadatainformer.NewSharedInformerFactory(metadataClient, resync)),
		mapper:   mapper,
		started:  make(chan struct{}),
	}
}

// starters has each controller by its name in --controllers, wired as kube-controller-manager wires it.
var starters = map[string]func(context.Context, *manager) error{
	"deployment-controller": func(ctx context.Context, m *manager) error {
		found, err := deployment.NewDeploymentController(ctx, m.shared.Apps().V1().Deployments(), m.shared.Apps().V1().ReplicaSets(),
			m.shared.Core().V1().Pods(), m.clients.ClientOrDie("deployment-controller"))
		if err == nil {
			go found.Run(ctx, workers)
		}
		return err
	},
	"replicaset-controller": func(ctx context.Context, m *manager) error {
		go replicaset.NewReplicaSetController(ctx, m.shared.Apps().V1().ReplicaSets(), m.shared.Core().V1().Pods(),
			m.clients.ClientOrDie("replicaset-controller"), replicaset.BurstReplicas).Run(ctx, workers)
		return nil
	},
	"garbage-collector-controller": func(ctx context.Context, m *manager) error {
		config := m.clients.ConfigOrDie("generic-garbage-collector")
		config.QPS *= 2 // each deletion takes two requests
		metadataClient, err := metadata.NewForConfig(config)
		if err != nil {
			return err
		}
		graph := garbagecollector.NewDependencyGraphBuilder(ctx, m.metadata, m.mapper,
			map[schema.GroupResource]struct{}{{Resource: "events"}: {}, {Group: "events.k8s.io", Resource: "events"}: {}}, m.all, m.started)
		found, err := garbagecollector.NewComposedGarbageCollector(ctx, m.clients.ClientOrDie("generic-garbage-collector"), metadataClient,
			m.mapper, graph)
		if err == nil {
			go runCollector(ctx, found)
			go found.Sync(ctx, m.clients.DiscoveryClientOrDie("generic-garbage-collector"), collectEvery)
		}
		return err
	},
	"namespace-controller": func(ctx context.Context, m *manager) error {
		config := m.clients.ConfigOrDie("namespace-controller")
		config.QPS, config.Burst = config.QPS*20, config.Burst*100 // it asks for each kind in each namespace that goes
		client := kubernetes.NewForConfigOrDie(config)
		metadataClient, err := metadata.NewForConfig(config)
		if err == nil {
			go namespace.NewNamespaceController(ctx, client, metadataClient, client.Discovery().ServerPreferredNamespacedResources,
				m.shared.Core().V1().Namespaces(), 5*time.Minute, v1.FinalizerKubernetes).Run(ctx, 2*workers)
		}
		return err
	},
	"serviceaccount-controller": func(ctx context.Context, m *manager) error {
		found, err := newServiceAccountsController(ctx, m)
		if err == nil {
			go found.Run(ctx, 1)
		}
		return err
	},
	"persistentvolumeclaim-protection-controller": func(ctx context.Context, m *manager) error {
		found, err := pvcprotection.NewPVCProtectionController(klog.FromContext(ctx), m.shared.Core().V1().PersistentVolumeClaims(),
			m.shared.Core().V1().Pods(), m.clients.ClientOrDie("pvc-protection-controller"))
		if err == nil {
			go found.Run(ctx, 1)
		}
		return err
	},
}

// fail ends the process with the reason where there is an error.
func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "kube-controller-manager:", err)
		os.Exit(1)
	}
}
