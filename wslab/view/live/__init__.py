"""The base of every view: pages and news, the pump, jobs, packed rows, scripts and styles."""
