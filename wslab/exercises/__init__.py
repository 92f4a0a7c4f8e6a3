"""What checks a learner's answer: at once, got beside expected, with the rule and the next hint."""
