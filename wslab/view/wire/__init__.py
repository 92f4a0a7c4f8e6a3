"""Views of what crossed the wire: the wire view with its debugger, the state diagram, layers."""
