"""The demo: the product's main job, done once on this machine, on real tickets, with a real model."""
