"""The shipped studies and the worked example on a cluster of two executors, beside the same runs on one machine: every output
byte for byte, with the register in one file and in seven, in one piece and in seven, and while executors and schedulers are killed.

    cargo build --manifest-path distributed/Cargo.toml
    cargo build
    python3 distributed/tests/same.py [--kills 10] [--program distributed/target/debug/forerunner-distributed]
        [--alone target/debug/forerunner] [--port 50050]
"""
import argparse, json, os, pathlib, random, shutil, signal, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Cluster:
    """A scheduler and two executors; each can be killed."""

    def __init__(self, program, folder, port):
        self.program, self.folder, self.port, self.all = program, pathlib.Path(folder), port, {}
        self.folder.mkdir(parents=True, exist_ok=True)

    def start(self, name):
        if name == "scheduler":
            arguments = ["scheduler", "--port", self.port, "--executor-timeout", 4, "--no-executors", 20]
        else:
            number = int(name[-1])
            arguments = ["executor", "--scheduler", f"127.0.0.1:{self.port}", "--threads", 1, "--port", self.port + 10 * number,
                         "--grpc-port", self.port + 10 * number + 1, "--work-dir", self.folder / name]
        log = open(self.folder / f"{name}.log", "ab")
        self.all[name] = subprocess.Popen([self.program, *map(str, arguments)], stdout=log, stderr=log)

    def __enter__(self):
        self.start("scheduler")
        wait_for(self.port)
        for number in (1, 2):
            self.start(f"executor-{number}")
            wait_for(self.port + 10 * number)
        time.sleep(1)
        return self

    def kill(self, name):
        self.all[name].send_signal(signal.SIGKILL)
        self.all[name].wait()

    def __exit__(self, *_):
        for process in self.all.values():
            process.kill()
            process.wait()


def wait_for(port):
    import socket
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nobody listens at port {port}")


def few(pipeline):
    """Few draws: uncertainty is worked out by the process that runs the pipeline, the same either way."""
    draws = any(mark in pathlib.Path(pipeline).read_text() for mark in ("[uncertainty]", "great-britain.toml"))
    return ["--set", "uncertainty.replicates=32", "--set", "uncertainty.sensitivity={ draws = 2, resamples = 5 }"] if draws else []


def outputs(out):
    manifest = json.load(open(pathlib.Path(out) / "manifest.json"))
    return {output["path"]: output["sha256"] for output in manifest["outputs"]}


def alone(program, pipeline, out):
    subprocess.run([program, "run", pipeline, "--out", out, "-q", *few(pipeline)], check=True)
    return outputs(out)


def shared(program, pipeline, out, port, pieces):
    return subprocess.Popen([program, "run", pipeline, "--out", out, "--scheduler", f"http://127.0.0.1:{port}", "--pieces", str(pieces),
                             *few(pipeline)], stderr=subprocess.PIPE, text=True)


def done(process):
    said = process.communicate(timeout=600)[1]
    return process.returncode, said


def split(folder, files):
    """The worked example with its register in so many files."""
    shutil.copytree(ROOT / "tests/cases/worked_example", folder)
    header, *rows = (folder / "facilities.csv").read_text().splitlines()
    for part in range(files):
        (folder / f"register-{part}.csv").write_text("\n".join([header, *rows[part::files]]) + "\n")
    path = folder / "pipeline.toml"
    path.write_text(path.read_text().replace('"facilities.csv"', '"register-*.csv"'))
    return path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=ROOT / "distributed/target/debug/forerunner-distributed")
    parser.add_argument("--alone", default=ROOT / "target/debug/forerunner")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--port", type=int, default=50050)
    a = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp())
    seven = split(folder / "seven", 7)
    studies = [ROOT / "pipelines" / f"{name}.toml" for name in ("great-britain", "uk-clusters", "north-west-europe")]
    wrong = 0
    with Cluster(a.program, folder / "cluster", a.port) as cluster:
        for pipeline in [ROOT / "tests/cases/worked_example/pipeline.toml", seven, *studies]:
            wanted = alone(a.alone, pipeline, folder / "alone")
            for pieces in (1, 7):
                forget(folder)
                began = time.time()
                status, said = done(shared(a.program, pipeline, folder / "shared", a.port, pieces))
                same = status == 0 and outputs(folder / "shared") == wanted
                wrong += not same
                print(f"{pipeline.parent.name}/{pipeline.name} in {pieces} pieces: {'same' if same else 'DIFFERENT ' + said}, {time.time() - began:.1f} s")
            shutil.rmtree(folder / "alone")
            forget(folder)
        pipeline = studies[0]
        wanted = alone(a.alone, pipeline, folder / "alone")
        forget(folder)
        whole = time.time()
        done(shared(a.program, pipeline, folder / "shared", a.port, 7))
        whole = time.time() - whole
        chance = random.Random(1)
        for number in range(a.kills):
            forget(folder)
            # Every third time the scheduler.
            name = "scheduler" if number % 3 == 2 else f"executor-{1 + number % 2}"
            after = chance.uniform(0.1, whole * 0.7)
            process = shared(a.program, pipeline, folder / "shared", a.port, 7)
            time.sleep(after)
            cluster.kill(name)
            status, said = done(process)
            published = (folder / "shared").exists()
            right = published and outputs(folder / "shared") == wanted if status == 0 else status == 1 and not published
            wrong += not right
            print(f"{name} killed after {after:.1f} s of {whole:.1f}: status {status}, {'right' if right else 'WRONG ' + said}"
                  + ("" if status == 0 else f": {said.strip().splitlines()[-2:]}"))
            if name == "scheduler":
                for executor in ("executor-1", "executor-2"):
                    cluster.kill(executor)
                cluster.__enter__()
            else:
                cluster.start(name)
                time.sleep(2)
    left = list(folder.glob(".forerunner-*"))
    wrong += len(left)
    print(f"{wrong} wrong; left behind: {left}")
    shutil.rmtree(folder)
    sys.exit(bool(wrong))


def forget(folder):
    """Every run begins from its files."""
    shutil.rmtree(folder / "shared", ignore_errors=True)
    for left in folder.glob(".*.cache"):
        shutil.rmtree(left)


if __name__ == "__main__":
    main()
