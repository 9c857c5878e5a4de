"""The catalogue of models: what there is over each connection, what it can do and costs, and who may use it."""
