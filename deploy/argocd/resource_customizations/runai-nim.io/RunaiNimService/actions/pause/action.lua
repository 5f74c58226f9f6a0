-- The operator leaves the NIMService as it is until resumed.
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["runai-nim.io/paused"] = "true"
return obj
