"""Programs of this machine, started and ended by a lab: nginx, Redis and PostgreSQL."""

from wslab.net.programs.nginx import Nginx
from wslab.net.programs.postgres import Postgres
from wslab.net.programs.program import Program, ProgramFailed, ProgramMissing
from wslab.net.programs.redis import Redis

__all__ = ["Nginx", "Postgres", "Program", "ProgramFailed", "ProgramMissing", "Redis"]
