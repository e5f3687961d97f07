"""One module a device; each is imported when its name is first asked for (`devarray.device`)."""
