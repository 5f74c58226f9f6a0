package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/util/compatibility"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/metrics-server/pkg/api"
	generatedopenapi "sigs.k8s.io/metrics-server/pkg/api/generated/openapi"
	"sigs.k8s.io/metrics-server/pkg/scraper/client"
	"sigs.k8s.io/metrics-server/pkg/server"
)

// newMetricsServerCommand is metrics-server with options of our own: those of the released ones either don't compile
// beside this Kubernetes or want newer modules than it was released with. Callers are not asked who they are: only the
// API server, which has asked them, reaches it in the node's network.
func newMetricsServerCommand(ctx context.Context) *cobra.Command {
	var kubeconfig string
	var resolution time.Duration
	serving := genericoptions.NewSecureServingOptions().WithLoopback()
	command := &cobra.Command{
		Use: "metrics-server",
		RunE: func(*cobra.Command, []string) error {
			config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return err
			}
			if err := serving.MaybeDefaultWithSelfSignedCerts("localhost", nil, nil); err != nil {
				return err
			}
			apiServer := genericapiserver.NewConfig(api.Codecs)
			if err := serving.ApplyTo(&apiServer.SecureServing, &apiServer.LoopbackClientConfig); err != nil {
				return err
			}
			apiServer.EffectiveVersion = compatibility.DefaultBuildEffectiveVersion()
			namer := openapinamer.NewDefinitionNamer(api.Scheme)
			apiServer.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(generatedopenapi.GetOpenAPIDefinitions, namer)
			apiServer.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(generatedopenapi.GetOpenAPIDefinitions, namer)
			kubelets := rest.CopyConfig(config)
			kubelets.TLSClientConfig = rest.TLSClientConfig{Insecure: true} // a kubelet's certificate is its own
			found, err := server.Config{
				Apiserver: apiServer,
				Rest:      config,
				Kubelet: &client.KubeletClientConfig{
					Client:              *kubelets,
					AddressTypePriority: []corev1.NodeAddressType{corev1.NodeInternalIP},
					Scheme:              "https",
					DefaultPort:         10250,
				},
				MetricResolution: resolution,
				ScrapeTimeout:    resolution,
			}.Complete()
			if err != nil {
				return err
			}
			return found.RunUntil(ctx.Done())
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "file with the API server's address and a token")
	command.Flags().DurationVar(&resolution, "metric-resolution", 15*time.Second, "how often kubelets are scraped")
	serving.AddFlags(command.Flags())
	return command
}
