-- Healthy: the present spec runs and answers. Suspended: stopped or paused on purpose. Degraded: it needs a person.
-- Everything else heals itself, or is on its way.
local annotations = obj.metadata.annotations or {}
if annotations["runai-nim.io/paused"] == "true" then
  return {status = "Suspended", message = "paused: the NIMService is left as it is"}
end

local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "the operator has not acted on this spec yet"}
end

local ready, stalled = {}, false
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Ready" then
    ready = condition
  elseif condition.type == "Stalled" and condition.status == "True" then
    stalled = true
  end
end

local health = "Progressing"
if stalled or status.phase == "Failed" then
  health = "Degraded"
elseif status.phase == "Stopped" then
  health = "Suspended"
elseif ready.status == "True" then
  health = "Healthy"
elseif status.phase == "Unknown" then
  health = "Unknown"
elseif status.phase == "Degraded" and ready.reason ~= "ReplicasNotReady" then
  -- Missing replicas alone may be pods that just move to another node.
  health = "Degraded"
end
return {status = health, message = ready.message or ""}
