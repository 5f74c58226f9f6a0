-- No pods; claim and configuration are kept.
obj.spec.desiredPhase = "Stopped"
return obj
