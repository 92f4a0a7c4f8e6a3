"""Checks a learner's answer, and replies with got and expected, the rule, and the next hint."""
