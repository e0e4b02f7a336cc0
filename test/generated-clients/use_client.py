"""Uses the client that openapi-python-client makes of openapi.json against a real server."""

import importlib
import json
import pkgutil
import sys
import time
from uuid import UUID

import millrace_client
from millrace_client import AuthenticatedClient
from millrace_client.api.executions import (
    executionlogs_log,
    executions_explain,
    executions_get,
    executions_list,
    executions_rerun,
    executions_trigger,
)
from millrace_client.api.health import loglevel_set
from millrace_client.api.pipelines import dryruns_plan, pipelines_create, pipelines_get
from millrace_client.models import (
    ErrorResponse,
    PlanDto,
    RerunDto,
    SetLogLevelDto,
    SetLogLevelDtoLevel,
    TriggerDto,
    YamlContentDto,
)

# Every module of it can be read, also those that are not used here.
for module in pkgutil.walk_packages(millrace_client.__path__, "millrace_client."):
    importlib.import_module(module.name)

_, base_url, token = sys.argv
client = AuthenticatedClient(base_url=base_url, token=token, raise_on_unexpected_status=True)


def known(answer):
    if answer is None or isinstance(answer, ErrorResponse):
        raise SystemExit(f"refused: {answer}")
    return answer


yaml = "name: typed\nsteps:\n  - { name: say, run: echo from Python }\n"
pipeline = known(pipelines_create.sync(client=client, body=YamlContentDto(yaml_content=yaml)))
accepted = known(executions_trigger.sync(pipeline.id, client=client, body=TriggerDto()))
known(executions_trigger.sync(pipeline.id, client=client))
planned = known(dryruns_plan.sync(client=client, body=PlanDto(pipeline_id=pipeline.id)))
known(loglevel_set.sync(client=client, body=SetLogLevelDto(level=SetLogLevelDtoLevel.INFO)))

while True:
    execution = known(executions_get.sync(accepted.execution_id, client=client))
    if execution.status.value in ("success", "failed", "cancelled", "timeout"):
        break
    time.sleep(0.05)
explained = known(executions_explain.sync(execution.id, client=client))
known(executions_rerun.sync(execution.id, client=client, body=RerunDto()))
listed = known(executions_list.sync(client=client, limit=10, pipeline_id=pipeline.id))
log = known(executionlogs_log.sync(execution.id, client=client))
missing = pipelines_get.sync(UUID("00000000-0000-7000-8000-000000000000"), client=client)

seen = {
    "status": execution.status.value,
    "commit": execution.commit,
    "seconds": (execution.finished_at - execution.started_at).total_seconds() >= 0,
    "steps": [step.name for stage in execution.stages for step in stage.steps],
    "queue": explained.queue,
    "starts": planned.decision.starts,
    "repository": planned.plan.repository,
    "listed": len(listed.items),
    "log": [json.loads(line)["text"] for line in log.splitlines()],
    "missing": missing.error.value,
}
print(json.dumps(seen))
