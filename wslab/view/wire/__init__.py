"""What crossed the wire, to look at: the wire view with its debugger, the state diagram, layers."""
