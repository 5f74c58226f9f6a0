-- Generated from deploy/argocd/resource_customizations/runai-nim.io/RunaiNimPolicy/health.lua by scripts/generate.py. Do not edit.
-- Healthy: in force as it is written. Degraded: it contradicts itself or another policy; its last valid version is in force.
local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "the operator has not read this policy yet"}
end

for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Valid" then
    return {status = condition.status == "True" and "Healthy" or "Degraded", message = condition.message or ""}
  end
end
return {status = "Progressing", message = "the operator has not read this policy yet"}
