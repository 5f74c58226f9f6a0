-- Rolls the pods.
local os = require("os")
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["runai-nim.io/restarted-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
