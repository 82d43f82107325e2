"""Programs that are sent into the sandbox and start the model's code there; nothing here is imported outside it."""
