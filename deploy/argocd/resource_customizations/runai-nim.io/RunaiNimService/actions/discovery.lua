local annotations = obj.metadata.annotations or {}
local paused = annotations["runai-nim.io/paused"] == "true"
local stopped = obj.spec ~= nil and obj.spec.desiredPhase == "Stopped"

return {
  restart = {iconClass = "fa fa-fw fa-redo", disabled = paused or stopped},
  pause = {iconClass = "fa fa-fw fa-pause-circle", disabled = paused},
  resume = {iconClass = "fa fa-fw fa-play-circle", disabled = not paused},
  stop = {iconClass = "fa fa-fw fa-stop-circle", disabled = stopped},
  start = {iconClass = "fa fa-fw fa-play", disabled = not stopped},
}
