-- The NIM Operator says of no status which spec it is about: after a change the old state may show for a moment.
if obj.spec ~= nil and obj.spec.replicas == 0 then
  return {status = "Suspended", message = "replicas is 0"}
end

local status = obj.status or {}
local words = {}
for _, condition in ipairs(status.conditions or {}) do
  words[condition.type] = condition.message
end

if status.state == "Ready" then
  return {status = "Healthy", message = words["Ready"] or ""}
elseif status.state == "Failed" then
  return {status = "Degraded", message = words["Failed"] or ""}
end
return {status = "Progressing", message = words["Ready"] or "the NIM Operator has not acted yet"}
