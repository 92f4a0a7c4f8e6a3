"""What every view is made of: pages and news, the pump, jobs, packed rows, scripts and styles."""
