"""Programs of this machine, started and ended by a lab: nginx, Redis, PostgreSQL and tshark."""

from wslab.net.programs.nginx import Nginx
from wslab.net.programs.postgres import Postgres
from wslab.net.programs.program import Program, ProgramFailed, ProgramMissing
from wslab.net.programs.redis import Redis
from wslab.net.programs.tshark import Tshark

__all__ = ["Nginx", "Postgres", "Program", "ProgramFailed", "ProgramMissing", "Redis", "Tshark"]
