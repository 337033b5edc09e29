"""How requests and results are written in the two versions of the protocol.

Invariant: a definition sees version 0.3, whose method names the DSL has, whichever version its agent speaks. An
extended agent card stays as the agent gave it, since a card says which version it is of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from flowrt.core.effect import Json


class Dialect(Protocol):
    """One version."""

    version: str

    def request(self, method: str, parameters: Json) -> tuple[str, Json]:
        """The JSON-RPC method and params."""
        ...

    def result(self, method: str, result: Json) -> Json:
        """Raises ValueError for a result that does not fit the protocol."""
        ...


class _V03:
    version = "0.3"

    def request(self, method: str, parameters: Json) -> tuple[str, Json]:
        return method, parameters

    def result(self, method: str, result: Json) -> Json:
        return result


class _V10:
    version = "1.0"

    def request(self, method: str, parameters: Json) -> tuple[str, Json]:
        from a2a.compat.v0_3 import conversions, types
        from google.protobuf.json_format import MessageToDict

        name, request_type, converter = _REQUESTS[method]
        if request_type is None or converter is None:
            return name, parameters or {}
        given = getattr(types, request_type).model_validate({"id": 1, "method": method, "params": parameters})
        return name, MessageToDict(getattr(conversions, converter)(given))

    def result(self, method: str, result: Json) -> Json:
        from google.protobuf.json_format import ParseError

        convert = _RESULTS.get(method)
        if convert is None:
            return result
        try:
            return convert(result)
        except (ParseError, TypeError, KeyError) as error:
            raise ValueError(str(error)) from error


V03: Dialect = _V03()
V10: Dialect = _V10()

_REQUESTS: Mapping[str, tuple[str, str | None, str | None]] = {
    "message/send": ("SendMessage", "SendMessageRequest", "to_core_send_message_request"),
    "message/stream": ("SendStreamingMessage", "SendStreamingMessageRequest", "to_core_send_message_request"),
    "tasks/get": ("GetTask", "GetTaskRequest", "to_core_get_task_request"),
    "tasks/list": ("ListTasks", None, None),
    "tasks/cancel": ("CancelTask", "CancelTaskRequest", "to_core_cancel_task_request"),
    "tasks/resubscribe": ("SubscribeToTask", "TaskResubscriptionRequest", "to_core_subscribe_to_task_request"),
    "tasks/pushNotificationConfig/set": (
        "CreateTaskPushNotificationConfig",
        "SetTaskPushNotificationConfigRequest",
        "to_core_create_task_push_notification_config_request",
    ),
    "tasks/pushNotificationConfig/get": (
        "GetTaskPushNotificationConfig",
        "GetTaskPushNotificationConfigRequest",
        "to_core_get_task_push_notification_config_request",
    ),
    "tasks/pushNotificationConfig/list": (
        "ListTaskPushNotificationConfigs",
        "ListTaskPushNotificationConfigRequest",
        "to_core_list_task_push_notification_config_request",
    ),
    "tasks/pushNotificationConfig/delete": (
        "DeleteTaskPushNotificationConfig",
        "DeleteTaskPushNotificationConfigRequest",
        "to_core_delete_task_push_notification_config_request",
    ),
    "agent/getAuthenticatedExtendedCard": ("GetExtendedAgentCard", None, None),
}
"""By the DSL's name: the method of version 1.0, the type of the 0.3 request and the package's conversion of it."""


def _converted(message_type: str, converter: str) -> Callable[[Json], Json]:
    """From a result of version 1.0 to one of 0.3, by the package's own types and conversion."""

    def convert(result: Json) -> Json:
        import a2a.types
        from a2a.compat.v0_3 import conversions
        from google.protobuf.json_format import ParseDict

        message = ParseDict(result, getattr(a2a.types, message_type)(), ignore_unknown_fields=True)
        older: Any = getattr(conversions, converter)(message)
        whole = older.model_dump(mode="json", by_alias=True, exclude_none=True)
        # The conversions of whole responses keep the JSON-RPC envelope.
        return whole["result"] if "jsonrpc" in whole else whole

    return convert


def _tasks(result: Json) -> Json:
    task = _converted("Task", "to_compat_task")
    return {**result, "tasks": [task(each) for each in result.get("tasks", ())]}


_EVENT = _converted("StreamResponse", "to_compat_stream_response")
_CONFIG = _converted("TaskPushNotificationConfig", "to_compat_task_push_notification_config")
_RESULTS: Mapping[str, Callable[[Json], Json]] = {
    "message/send": _converted("SendMessageResponse", "to_compat_send_message_response"),
    "message/stream": _EVENT,
    "tasks/resubscribe": _EVENT,
    "tasks/get": _converted("Task", "to_compat_task"),
    "tasks/cancel": _converted("Task", "to_compat_task"),
    "tasks/list": _tasks,
    "tasks/pushNotificationConfig/set": _CONFIG,
    "tasks/pushNotificationConfig/get": _CONFIG,
    "tasks/pushNotificationConfig/list": _converted(
        "ListTaskPushNotificationConfigsResponse", "to_compat_list_task_push_notification_config_response"
    ),
}
