"""Templates over plain data, in a sandbox: what a version asks, once its variables are known."""

from prompts.rendering.render import RenderedPrompt, render
from prompts.rendering.variables import optional_variables, required_variables

__all__ = ["RenderedPrompt", "optional_variables", "render", "required_variables"]
