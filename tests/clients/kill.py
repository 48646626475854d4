"""Kills runs at random moments, half of them around publication: what stands must always be one whole run, and the next run succeed.

    python3 tests/clients/kill.py target/debug/forerunner pipelines/great-britain.toml --times 20 [--set KEY=VALUE]...
"""
import argparse, json, os, random, signal, subprocess, sys, tempfile, time


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    arguments.add_argument("pipeline")
    arguments.add_argument("--times", type=int, default=20)
    arguments.add_argument("--set", action="append", default=[])
    given = arguments.parse_args()
    chance = random.Random(22)
    folder = tempfile.mkdtemp()
    out = os.path.join(folder, "run")
    more = [part for setting in given.set for part in ("--set", setting)]

    def command(title):
        return [given.program, "-q", "run", given.pipeline, "--out", out, "--set", f"title={title}", *more]

    def title():
        with open(os.path.join(out, "manifest.json")) as file:
            return json.load(file)["pipeline"]["title"]

    subprocess.run(command("first"), check=True)
    lap = time.monotonic()
    subprocess.run(command("second"), check=True)
    lap = time.monotonic() - lap
    old, torn, published, late = "second", 0, 0, 0
    for number in range(given.times):
        new = f"run {number}"
        around = number % 2 == 1
        moment = lap + chance.uniform(-0.2, 0.2) if around else chance.uniform(0, lap)
        started = time.monotonic()
        run = subprocess.Popen(command(new), stderr=subprocess.DEVNULL)
        time.sleep(max(0.0, moment - (time.monotonic() - started)))
        late += run.poll() is not None
        run.send_signal(signal.SIGKILL)
        run.wait()
        if around:
            # The machine is not always as quick: the aim follows it.
            lap += 0.02 if title() == old else -0.02
        whole = subprocess.run([given.program, "verify", out], capture_output=True, text=True)
        if whole.returncode != 0 or title() not in (old, new):
            torn += 1
            print(number, moment, whole.stdout, whole.stderr, title(), file=sys.stderr)
        published += title() == new
        old = title()
    subprocess.run(command("last"), check=True)
    subprocess.run([given.program, "verify", out], check=True, stdout=subprocess.DEVNULL)
    left = [name for name in os.listdir(folder) if name not in ("run", ".run.cache", ".run.lock")]
    print(f"{given.times} kills: {published} runs were published, {late} had ended, {torn} torn; left beside: {left}")
    sys.exit(1 if torn or left or title() != "last" else 0)


main()
