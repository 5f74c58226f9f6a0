//go:build !kubernetes_1_30

package main

import (
	"context"

	"k8s.io/kubernetes/pkg/controller/garbagecollector"
)

func runCollector(ctx context.Context, found *garbagecollector.GarbageCollector) {
	found.Run(ctx, collectors, collectEvery)
}
