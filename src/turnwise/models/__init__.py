"""Model providers: one file each. See the registry for how a name becomes a model."""
