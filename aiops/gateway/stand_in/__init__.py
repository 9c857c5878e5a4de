"""The rooms of the stand-in provider. Its public face is `aiops.gateway.testing`; nothing here needs Django."""
