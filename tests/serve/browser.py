"""A headless Chromium, told what to do over its DevTools protocol."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from websockets.sync.client import ClientConnection, connect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PROGRAM = next(filter(None, map(shutil.which, PROGRAMS)), None)
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server"),
    *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--remote-debugging-port=0"),
)


class Page:
    """A page in a browser.

    Attributes:
        complaints: What the browser noted as errors: exceptions, blocked and missing resources.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._last = socket, 0
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.command(f"{domain}.enable")

    def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Sends a command and waits for its result."""
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(60))
            if message.get("id") == self._last:
                assert "error" not in message, message
                return message["result"]
            if message.get("method") == "Runtime.exceptionThrown":
                self.complaints.append(str(message["params"]["exceptionDetails"]))
            elif message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
                self.complaints.append(message["params"]["entry"]["text"])

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives."""
        options = {"returnByValue": True, "awaitPromise": True, "userGesture": True}
        result = self.command("Runtime.evaluate", expression=expression, **options)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, expression: str, seconds: float = 30) -> None:
        """Waits until an expression is true."""
        end = time.monotonic() + seconds
        while not self.value(expression):
            assert time.monotonic() < end, f"{expression}: {self.value('document.body.innerText')}"
            time.sleep(0.05)

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """Sets the size of the window, in pixels, and the colours of the system."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self) -> bytes:
        """A picture of it (PNG)."""
        return base64.b64decode(self.command("Page.captureScreenshot", format="png")["data"])

    def drop(self, name: str, content: bytes) -> None:
        """Drops a file on it."""
        data = base64.b64encode(content).decode()
        self.value(f"""(() => {{
            const bytes = Uint8Array.from(atob({json.dumps(data)}), (one) => one.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], {json.dumps(name)}));
            const how = {{ dataTransfer, bubbles: true, cancelable: true }};
            document.body.dispatchEvent(new DragEvent("drop", how));
        }})()""")


@contextmanager
def opened(url: str, folder: Path, microphone: Path | None = None) -> Iterator[Page]:
    """Opens a page in a browser, whose microphone hears a wav file once; downloads go to the folder."""
    assert PROGRAM is not None
    profile = folder / "profile"
    flags = [*FLAGS, f"--user-data-dir={profile}"]
    if microphone is not None:
        flags.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
    with (folder / "browser.log").open("wb") as log:
        browser = subprocess.Popen([PROGRAM, *flags, "about:blank"], stdout=log, stderr=log)
    try:
        place = profile / "DevToolsActivePort"
        end = time.monotonic() + 60
        while not (place.exists() and place.read_text().count("\n")):
            assert browser.poll() is None and time.monotonic() < end, (folder / "browser.log").read_text()
            time.sleep(0.05)
        port = int(place.read_text().splitlines()[0])
        request = Request(f"http://127.0.0.1:{port}/json/new?about:blank", method="PUT")
        with build_opener(ProxyHandler({})).open(request) as response:
            target = json.loads(response.read())["webSocketDebuggerUrl"]
        with connect(target, proxy=None, max_size=1 << 26) as socket:
            page = Page(socket)
            page.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
            page.command("Page.navigate", url=url)
            yield page
    finally:
        browser.terminate()
        browser.wait(30)
