//go:build kubernetes_1_37

package main

import (
	"context"

	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/serviceaccount"
)

// newServiceAccountsController is for Kubernetes 1.37, whose controller takes a logger.
func newServiceAccountsController(ctx context.Context, m *manager) (*serviceaccount.ServiceAccountsController, error) {
	return serviceaccount.NewServiceAccountsController(klog.FromContext(ctx), m.shared.Core().V1().ServiceAccounts(), m.shared.Core().V1().Namespaces(),
		m.clients.ClientOrDie("service-account-controller"), serviceaccount.DefaultServiceAccountsControllerOptions())
}
