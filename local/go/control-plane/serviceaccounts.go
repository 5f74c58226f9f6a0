//go:build !kubernetes_1_37

package main

import (
	"context"

	"k8s.io/kubernetes/pkg/controller/serviceaccount"
)

// newServiceAccountsController is for Kubernetes before 1.37.
func newServiceAccountsController(_ context.Context, m *manager) (*serviceaccount.ServiceAccountsController, error) {
	return serviceaccount.NewServiceAccountsController(m.shared.Core().V1().ServiceAccounts(), m.shared.Core().V1().Namespaces(),
		m.clients.ClientOrDie("service-account-controller"), serviceaccount.DefaultServiceAccountsControllerOptions())
}
