"""One file per system; all answer to the same protocol (see ``protocol`` and ``agent.mjs``)."""
