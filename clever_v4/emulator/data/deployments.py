"""
Deployments and instances of the emulated applications: their history, and what happens to those
that are started while the emulator runs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from clever_v4.emulator.data.resources import Application
from clever_v4.emulator.errors import not_found
from clever_v4.emulator.logs.entries import ERAS
from clever_v4.emulator.logs.messages import Rollout, rollout_of

if TYPE_CHECKING:
    from clever_v4.emulator.state import State

FINAL_STATES = ("FAILED", "CANCELLED", "SUCCEEDED")
ACTIONS = ("DEPLOY", "UNDEPLOY", "UPSCALE", "DOWNSCALE", "REPLACE", "CANCEL", "NONE")

HISTORY = 12
"""How many deployments an application has had when the emulator starts."""

Json = dict[str, Any]


class Deployments:
    """
    The deployments and instances of every application, newest last.

    A deployment that is started while the emulator runs goes one step further each time somebody
    looks at it, so that who waits for it sees every step without any clock.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._deployments: dict[str, list[Json]] = {}
        self._instances: dict[str, list[Json]] = {}
        self._ahead: dict[str, list[str]] = {}
        """What the next looks at a deployment find: ``404`` or the state that it enters then."""

    def of(self, application: Application) -> list[Json]:
        """
        The deployments of an application, oldest first.
        """
        if application.id not in self._deployments:
            self._make_history(application)
        return self._deployments[application.id]

    def instances(self, application: Application) -> list[Json]:
        """
        The instances of an application, oldest first.
        """
        self.of(application)
        return self._instances[application.id]

    def deploy(
        self, application: Application, *, outcome: str = "SUCCEEDED", not_found_looks: int = 1
    ) -> Json:
        """
        Start a deployment.

        Args:
            application: What to deploy.
            outcome: The state that it ends in; a state that is not final keeps it there.
            not_found_looks: How many looks answer 404 before it is visible.
        """
        made = self.of(application)
        number = len(made)
        now = datetime.fromtimestamp(self._state.now_s(), UTC)
        deployment = _deployment(self._state, application, number, now, "DEPLOY")
        deployment["state"] = "QUEUED"
        deployment["steps"] = [{"state": "QUEUED", "date": _iso(now)}]
        made.append(deployment)
        ahead = [*["404"] * not_found_looks, "QUEUED", "WORK_IN_PROGRESS", outcome]
        self._ahead[deployment["id"]] = ahead
        return deployment

    def stop(self, application: Application) -> Json:
        """
        Stop an application: what runs is cancelled, its instances are deleted.
        """
        made = self.of(application)
        now = datetime.fromtimestamp(self._state.now_s(), UTC)
        for one in made:
            if one["state"] not in FINAL_STATES:
                self._ahead.pop(one["id"], None)
                _enter(one, "CANCELLED", now)
        for machine in self._instances[application.id]:
            if machine["state"] not in {"DELETED", "GHOST"}:
                machine |= {"state": "DELETED", "deletionDate": _iso(now)}
        deployment = _deployment(self._state, application, len(made), now, "UNDEPLOY")
        for state in ("QUEUED", "WORK_IN_PROGRESS", "SUCCEEDED"):
            _enter(deployment, state, now)
        made.append(deployment)
        return deployment

    def look(self, deployment: Json) -> Json:
        """
        Let a started deployment go one step further.

        Raises:
            Problem: 404, it is not visible yet.
        """
        ahead = self._ahead.get(deployment["id"])
        if not ahead:
            return deployment
        entered = ahead.pop(0)
        if entered == "404":
            raise not_found(f"Deployment {deployment['id']} not found")
        if entered != deployment["state"]:
            _enter(deployment, entered, datetime.fromtimestamp(self._state.now_s(), UTC))
        return deployment

    def _make_history(self, application: Application) -> None:
        state = self._state
        made: list[Json] = []
        machines: list[Json] = []
        draw = state.random("deployments", application.id)
        epoch = datetime.fromtimestamp(state.options.epoch_s, UTC)
        count = 0 if application.behaviour == "never_logged" else HISTORY
        for number in range(count):
            age = timedelta(days=2 * (count - number), minutes=draw.randrange(1440))
            action = "DEPLOY" if number % 3 else draw.choice(ACTIONS[1:5])
            deployment = _deployment(state, application, number, epoch - age, action)
            era = number - count + ERAS
            final = "SUCCEEDED" if era >= 0 else draw.choices(FINAL_STATES, (2, 1, 6))[0]
            _run(deployment, final, draw.randrange(20, 400))
            made.append(deployment)
            rollout = None
            if era >= 0:
                # The last deployments are those that the application's log tells of.
                rollout = rollout_of(state.random("log", application.id, era))
                deployment["id"] = rollout.deployment_id
                deployment["version"] = {"commitId": rollout.commit_id}
            machines += _machines(
                state, application, deployment, rollout, is_last=number == count - 1
            )
        self._deployments[application.id] = made
        self._instances[application.id] = machines


def _deployment(
    state: State, application: Application, number: int, start: datetime, action: str
) -> Json:
    draw = state.random("deployment", application.id, number)
    by_hand = action in {"DEPLOY", "UNDEPLOY"}
    commit = {} if number % 5 == 4 else {"commitId": f"{draw.getrandbits(160):040x}"}
    return {
        "id": f"deployment_{state.uuid('deployment', application.id, number)}",
        "ownerId": application.owner_id,
        "applicationId": application.id,
        "startDate": _iso(start),
        "state": "QUEUED",
        "steps": [],
        "version": commit,
        "origin": {
            "action": action,
            "cause": "git push" if by_hand else "autoscaler: load above 80 %",
            "source": "git" if by_hand else "scaler",
            "authorId": state.user.id if by_hand else None,
            "constraints": [] if by_hand else ["keep-one-up"],
            "priority": "DEFAULT" if by_hand else "URGENT",
        },
        "hasDedicatedBuild": number % 4 == 3,
    }


def _enter(deployment: Json, state: str, now: datetime) -> None:
    deployment["state"] = state
    deployment["steps"].append({"state": state, "date": _iso(now)})


def _run(deployment: Json, final: str, seconds: int) -> None:
    """
    Give a deployment its steps up to the final state.
    """
    start = datetime.fromisoformat(deployment["startDate"])
    steps = [("QUEUED", 0.0), ("WORK_IN_PROGRESS", 1.25)]
    if deployment["hasDedicatedBuild"]:
        steps.append(("TASK_IN_PROGRESS", seconds / 2))
    steps.append((final, float(seconds)))
    deployment["state"] = final
    deployment["steps"] = [
        {"state": state, "date": _iso(start + timedelta(seconds=after))} for state, after in steps
    ]


def _machines(
    state: State,
    application: Application,
    deployment: Json,
    rollout: Rollout | None,
    *,
    is_last: bool,
) -> list[Json]:
    """
    The instances of a deployment; those of the last one live, in several states.
    """
    draw = state.random("instances", deployment["id"])
    start = datetime.fromisoformat(deployment["startDate"])
    logging = list(rollout.instance_ids) if rollout is not None else []
    states = ["UP", "UP", "BOOTING"] if is_last else ["DELETED"] * 2
    if deployment["hasDedicatedBuild"]:
        states = ["DELETED", *states]
    elif rollout is None and draw.random() < 0.1:
        states = ["GHOST"]
    machines = []
    for index, machine_state in enumerate(states):
        is_build = deployment["hasDedicatedBuild"] and index == 0
        created = start + timedelta(seconds=2 + index)
        is_gone = machine_state == "DELETED"
        machine: Json = {
            "id": logging.pop(0)
            if logging and not is_build
            else state.uuid("instance", deployment["id"], index),
            "ownerId": application.owner_id,
            "applicationId": application.id,
            # A ghost is what is left of an instance whose deployment is forgotten.
            "deploymentId": None if machine_state == "GHOST" else deployment["id"],
            "name": draw.choice(("Keen", "Proud", "Quiet", "Swift", "Bold"))
            + " "
            + draw.choice(("Ditto", "Onix", "Mew", "Snorlax", "Eevee")),
            "flavor": "M" if is_build else draw.choice(("pico", "nano", "XS", "S")),
            "index": index,
            "state": machine_state,
            "hypervisorId": f"hv-{application.zone}-{draw.randrange(200):03}",
            "creationDate": _iso(created),
            "deletionDate": _iso(created + timedelta(days=1)) if is_gone else None,
            "network": None
            if machine_state == "BOOTING"
            else {"ip": f"10.2.{draw.randrange(256)}.{draw.randrange(256)}", "port": 8080},
            "isBuildVm": is_build,
        }
        if index % 2 and not is_gone:
            # The sources know both: null, and absent.
            del machine["deletionDate"]
        machines.append(machine)
    return machines


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
