"""Rules over the synthesized stacks: what others' plans never came to rest for, or broke by, cannot be written here.

Each rule is one sentence with the thread that taught it; `rules.RULES` has them all, and a fixture for each is in the
tests. What terraform, the provider or checkov sees by itself is no rule here.
"""
