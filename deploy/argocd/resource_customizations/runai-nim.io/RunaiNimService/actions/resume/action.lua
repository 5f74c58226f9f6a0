if obj.metadata.annotations ~= nil then
  obj.metadata.annotations["runai-nim.io/paused"] = nil
end
return obj
