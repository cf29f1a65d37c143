"""Our queue, a hand-written lower bound and the peers, measured side by side in one run."""
