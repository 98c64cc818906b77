#!/usr/bin/env python3
"""Makes the calls that WebKit's clients make, against a running server: the uploader that test runners use, the
pre-merge bots that ask whether a failure is known, and the dashboard that follows one test.

Usage: [API_KEY=KEY] clients.py URL. With a key, uploads carry it as the clients send theirs. Prints what it checked; exits 1 at the first answer that a client would not understand.
"""

import io
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile

URL = sys.argv[1].rstrip("/")
KEY = {"api_key": os.environ["API_KEY"]} if "API_KEY" in os.environ else {}
NOW = int(time.time())
CONFIGURATION = {
    "platform": "mac", "version": "14.2", "version_name": "Sonoma", "is_simulator": False, "architecture": "arm64",
    "model": "Mac14,3", "style": "release", "flavor": "wk2", "sdk": "23C71",
}
CHOICE = {"platform": "mac", "style": "release", "flavor": "wk2"}
checks = 0


def call(method, path, query=(), body=None, headers=None):
    """Status and body, as the clients see them."""
    target = URL + path + ("?" + urllib.parse.urlencode(query, doseq=True) if query else "")
    request = urllib.request.Request(target, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def get(path, query=()):
    status, body = call("GET", path, query)
    return status, json.loads(body)


def post(path, document):
    status, body = call("POST", path, body=json.dumps({**document, **KEY}).encode(), headers={"Content-type": "application/json"})
    return status, json.loads(body)


def check(what, holds, seen=None):
    global checks
    if not holds:
        sys.exit(f"{what}: not so; seen: {seen}")
    checks += 1


def commit(age):
    return {
        "repository_id": "webkit", "branch": "main", "timestamp": NOW - age * 600, "hash": f"{NOW - age:040x}",
        "identifier": f"{500000 - age}@main", "message": f"Change {age}", "author": {"name": "Ada", "emails": ["a@x.org"]},
    }


def run(age, results):
    return {
        "version": 0, "suite": "client-tests", "configuration": CONFIGURATION, "commits": [commit(age)],
        "timestamp": NOW - age * 600 + 60,
        "test_results": {
            "details": {
                "buildbot-master": "build.example.org", "builder-name": "Apple-Sonoma-Release-WK2-Tests",
                "build-number": str(1000 - age), "buildbot-worker": "bot601",
            },
            "run_stats": {"start_time": NOW - age * 600 + 60, "end_time": NOW - age * 600 + 90, "tests_skipped": 1},
            "results": results,
        },
    }


def uploader():
    for age in (3, 2, 1):
        results = {"fast": {
            "css": {"always.html": {"actual": "TEXT", "time": 12}, "passes.html": {"time": 3}},
            "once.html": {"actual": "CRASH" if age == 2 else "PASS", "expected": "PASS"},
        }}
        status, answer = post("/api/upload", run(age, results))
        check("an upload is taken", status == 200 and answer["status"] == "ok", answer)
        # The uploader prints the state of each step.
        check("each step says how it went", all("status" in step for step in answer["processing"].values()), answer)
    status, answer = post("/api/upload", {**run(1, {}), "commits": []})
    check("a refusal says why", status == 400 and "description" in answer, answer)


def without_key():
    status, answer = call("POST", "/api/upload", body=json.dumps(run(1, {})).encode())
    check("an upload without the key is refused", status == (401 if KEY else 200), answer)


def archive():
    files = io.BytesIO()
    with zipfile.ZipFile(files, "w") as archive:
        archive.writestr("layout-test-results/results.html", "<p>results</p>")
    line = "clients-boundary"
    fields = {
        "version": "0", "suite": "client-tests", "configuration": json.dumps(CONFIGURATION),
        "commits": json.dumps([commit(1)]), "timestamp": str(NOW - 540), "Content-type": "application/octet-stream",
        **KEY,
    }
    parts = [
        f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{line}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n'.encode()
    body = b"".join(parts) + head + files.getvalue() + f"\r\n--{line}--\r\n".encode()
    status, answer = call(
        "POST", "/api/upload/archive", body=body, headers={"Content-Type": f"multipart/form-data; boundary={line}"}
    )
    check("an archive is taken", status == 200, answer)
    status, answer = call("GET", "/archive/layout-test-results/results.html", {"suite": "client-tests", **CHOICE})
    check("its files can be read", status == 200 and b"results" in answer, answer)


def bots():
    here = {"ref": "499999@main", **CHOICE}
    for spelling in ("fast/css/always.html", "fast%2Fcss%2Falways.html"):
        status, answer = get(f"/api/results-summary/client-tests/{spelling}", here)
        check("a test that always fails is known", status == 200 and answer["pass"] + answer["warning"] <= 80, answer)
        check("its states add up", answer["text"] == 100, answer)
    status, answer = get("/api/results-summary/client-tests/fast/once.html", here)
    check("one that failed once mostly passes", 0 < answer["crash"] < 50 < answer["pass"], answer)
    status, _ = get("/api/results-summary/client-tests/nowhere.html", here)
    check("one that never ran has no history", status != 200)
    status, answer = get("/api/results/client-tests/fast/css/always.html", here)
    check("its result at the commit is the first", answer[0]["results"][0]["actual"] == "TEXT", answer)
    status, answer = get("/api/results/client-tests", here)
    check("and the run's", answer[0]["results"][0]["stats"]["tests_run"] == 3, answer)
    check("a known commit is found", get("/api/commits", {"ref": "499999@main"})[0] == 200)
    check("an unknown one is not", get("/api/commits", {"ref": "1@nowhere"})[0] != 200)


def changes_under_review():
    tests = {f"fast/ews-{number:02}.html": {"actual": "TEXT", "expected": "PASS"} for number in range(25)}
    document = {
        "configuration": CONFIGURATION, "suite": "client-tests", "commits": [commit(1)], "timestamp": NOW - 30,
        "test_results": {"results": tests}, "flaky_type": "WithinStepCleanTree",
        "details": {"build_url": "https://ci.example.org/9", "pr_number": 7, "authors": ["Ada"]},
    }
    status, answer = post("/api/upload/ews", document)
    check("results of a change are taken, all of them", status == 200 and answer["tests"] == sorted(tests), answer)
    names = sorted(tests)
    for start in range(0, len(names), 20):
        asked = names[start:start + 20]
        query = {"tests": asked, "suite": "client-tests", "after_time": NOW - 86400, "limit": 100}
        status, answer = get("/api/results-ews", {**query, "flaky": "true"})
        check("they come back by test", [entry["test"] for entry in answer] == asked, answer)
        row = answer[0]["results"][0]
        known = row["flaky_type"] == "WithinStepCleanTree" and row["details"]["pr_number"] == 7 and row["result"]
        check("with what the bot knew", known and row["uuid"] and row["start_time"] == NOW - 30, row)
        status, _ = get("/api/results-ews", {**query, "flaky": "false"})
        check("and only where they belong", status == 404, status)
    status, answer = get("/api/results-ews/tests", {"suite": "client-tests", "flaky": "true", "prefixes": "fast/ews-1"})
    check("names are found by prefix", answer == [name for name in names if name.startswith("fast/ews-1")], answer)
    status, answer = get("/api/results-ews", {"suite": "client-tests", "tests": [str(n) for n in range(101)]})
    check("too many at a time are refused", status == 400 and "100 tests" in answer["description"], answer)
    for change, text in [
        ({"timestamp": True}, "Invalid timestamp"), ({"timestamp": NOW + 1000}, "Unrealistic timestamp"),
        ({"flaky_type": 3}, "Invalid flaky_type"), ({"details": []}, "Invalid details"), ({"suite": ""}, "Invalid suite"),
        ({"commits": []}, "Invalid commits"), ({"test_results": {"results": {"a": 1}}}, "Invalid test results"),
    ]:
        status, answer = post("/api/upload/ews", {**document, **change})
        check(f"{text} is said", status == 400 and answer["description"].startswith(text), answer)


def dashboard():
    query = {**CHOICE, "after_timestamp": NOW - 86400, "before_timestamp": NOW, "limit": 100}
    status, answer = get("/api/results/client-tests/fast/once.html", query)
    rows = answer[0]["results"]
    check("a dashboard sees each run", [row["actual"] for row in rows] == ["PASS", "CRASH", "PASS"], rows)
    check("at its commit's time", [row["uuid"] // 100 for row in rows] == [NOW - age * 600 for age in (3, 2, 1)], rows)
    status, answer = get("/api/urls", {"suite": "client-tests", **CHOICE})
    check("with links to the build", answer[0]["urls"][0]["build"].endswith("/builds/997"), answer)


for part in (without_key, uploader, archive, bots, changes_under_review, dashboard):
    part()
print(f"{checks} passed, 0 failed")
