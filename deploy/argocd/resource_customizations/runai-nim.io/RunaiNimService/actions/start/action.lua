obj.spec.desiredPhase = "Running"
return obj
