"""Debian's chromium over the pipe of the DevTools protocol, with the standard library alone."""
import base64
import json
import os
import subprocess
import tempfile
import time


class Browser:
    """A headless chromium that reaches no network."""

    def __init__(self):
        commands, self._commands = os.pipe()
        self._answers, out = os.pipe()
        self._buffer = bytearray()

        def descriptors():
            os.dup2(commands, 3)
            os.dup2(out, 4)

        self._profile = tempfile.TemporaryDirectory(prefix="check-report-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--remote-debugging-pipe", "--user-data-dir=" + self._profile.name, "about:blank"],
            pass_fds=(3, 4), preexec_fn=descriptors,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(out)
        self._number = 0
        self.events = []

    def send(self, method, session=None, **params):
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._read())
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def _read(self):
        while (end := self._buffer.find(b"\0")) < 0:
            part = os.read(self._answers, 1 << 20)
            if not part:
                raise RuntimeError("chromium is gone")
            self._buffer += part
        message = bytes(self._buffer[:end])
        del self._buffer[:end + 1]
        return message

    def close(self):
        try:
            self.send("Browser.close")
        except (RuntimeError, OSError):
            pass
        self._process.wait(10)
        self._profile.cleanup()


class Page:
    """A page in a tab of its own."""

    def __init__(self, browser, path, width=1240, height=900, dark=False, script=True, scale=1):
        self.browser = browser
        self._first_event = len(browser.events)
        target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        self._target = target
        self._session = browser.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.send(domain + ".enable")
        self.send("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=width < 500)
        self.send("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.send("Emulation.setScriptExecutionDisabled", value=not script)
        began = time.monotonic()
        self.send("Page.navigate", url="file://" + os.path.abspath(path))
        while not self._is_there(script):
            if time.monotonic() - began > 60:
                raise RuntimeError(f"{path} is never ready")
            time.sleep(0.02)
        self.ready_seconds = time.monotonic() - began

    def _is_there(self, script):
        if script:
            return self.eval('document.documentElement?.dataset.ready') == "1"
        return any(event["method"] == "Page.loadEventFired" for event in self._own_events())

    def send(self, method, **params):
        return self.browser.send(method, self._session, **params)

    def eval(self, expression):
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def key(self, key):
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=codes.get(key, 0))

    def mouse(self, x, y, click=False):
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        if click:
            for kind in ("mousePressed", "mouseReleased"):
                self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path, whole=False):
        self._write(path, self.send("Page.captureScreenshot", captureBeyondViewport=whole, **(
            {"clip": {**self._size(), "x": 0, "y": 0, "scale": 1}} if whole else {}))["data"])

    def _size(self):
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        return {"width": size["width"], "height": min(size["height"], 6000)}

    def pdf(self, path=None):
        """The page as it is printed."""
        data = self.send("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"]
        if path:
            self._write(path, data)
        return base64.b64decode(data)

    @staticmethod
    def _write(path, data):
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def tree(self):
        """The accessibility tree, as pairs of role and name."""
        nodes = self.send("Accessibility.getFullAXTree")["nodes"]
        of = lambda node, key: node.get(key, {}).get("value", "")
        return [(of(node, "role"), of(node, "name")) for node in nodes if not node.get("ignored")]

    def _own_events(self):
        # An answer brings the events before it.
        self.send("Network.canClearBrowserCache")
        return [event for event in self.browser.events[self._first_event:] if event.get("sessionId") == self._session]

    def errors(self):
        """What the console has, and what the script threw."""
        events = self._own_events()
        logged = [event["params"]["entry"]["text"] for event in events if event["method"] == "Log.entryAdded"]
        thrown = [str(event["params"]["exceptionDetails"]) for event in events if event["method"] == "Runtime.exceptionThrown"]
        said = [str(event["params"]["args"]) for event in events if event["method"] == "Runtime.consoleAPICalled"]
        return logged + thrown + said

    def requests(self):
        sent = (event["params"]["request"]["url"] for event in self._own_events()
                if event["method"] == "Network.requestWillBeSent")
        return list(sent)

    def close(self):
        self.browser.send("Target.closeTarget", targetId=self._target)
