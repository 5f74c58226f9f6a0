//go:build kubernetes_1_30

package main

import (
	"context"

	"k8s.io/kubernetes/pkg/controller/garbagecollector"
)

// runCollector is for Kubernetes 1.30, whose collector synchronises by Sync alone.
func runCollector(ctx context.Context, found *garbagecollector.GarbageCollector) {
	found.Run(ctx, collectors)
}
