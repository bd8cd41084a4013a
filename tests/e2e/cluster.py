# SPDX-License-Identifier: Apache-2.0
"""Servers on one PostgreSQL database, agents that know all of them, clients that ask any of them,
and somebody who kills them.

What must stay true: everything random comes from the seed; a call whose answer was lost is not
known to have happened, and is asked again, under the same request id, until it is answered.
"""
import http.client
import json
import os
import random
import shutil
import signal
import threading
import time

from harness import (PATIENCE, Failure, Postgres, WebSocket, World, check, check_envelope, left_in,
                     program, same, wait_until)

# Longer than any time without a server, and than a sanitized server takes to start.
LEASE = "20s"
REPLICA_LEASE_S = 2


class Unknown(Exception):
    """Nobody has answered: whether it was done is not known."""


class Lost(Unknown):
    """The server has gone before it answered."""


class Strike:
    """A kill inside of a call: of the server that is asked next, so many seconds later at most."""

    def __init__(self, window):
        self.window = window
        self.over = self.inside = False


class Replica:
    """One server, its ports and its own files, through all its lives."""

    def __init__(self, world, name, settings):
        self.world, self.name, self.settings = world, name, settings
        self.ports_file = os.path.join(world.directory, name + ".ports")
        self.process = None
        self.http_port = self.grpc_port = None
        self.lock = threading.Lock()  # of its life

    def start(self):
        settings = dict(self.settings, ports_file=self.ports_file)
        if self.http_port is not None:
            settings["http_listen"] = "127.0.0.1:%d" % self.http_port
            settings["grpc_listen"] = "127.0.0.1:%d" % self.grpc_port
        if os.path.exists(self.ports_file):
            os.unlink(self.ports_file)
        path = os.path.join(self.world.directory, self.name + ".yaml")
        with open(path, "w") as file:
            for key, value in settings.items():
                file.write("%s: %s\n" % (key, json.dumps(value)))
        if self.process in self.world.processes:
            self.world.processes.remove(self.process)  # its log goes on under the next
        self.process = self.world.start(self.name, [program("arcentrad"), "--config", path])

    def await_listening(self):
        def listening():
            check(self.process.alive(), "%s ended:\n%s" % (self.name, self.process.text()[-3000:]))
            return os.path.exists(self.ports_file)
        wait_until(listening, self.name + " to listen")
        with open(self.ports_file) as file:
            at = dict(line.strip().split("=") for line in file)
        self.http_port, self.grpc_port = int(at["http"]), int(at["grpc"])

    def kill(self):
        with self.lock:
            self.process.kill()

    def ask(self, method, path, body=None, meanwhile=None):
        """status and envelope; Unknown where there is no answer to believe. meanwhile: is called
        when the request is on its way."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=15)
        headers = {"Authorization": "Bearer " + self.world.token}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, "/api/v1" + path,
                               json.dumps(body).encode() if body is not None else None, headers)
            if meanwhile is not None:
                meanwhile()
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Lost("%s: %r" % (self.name, error))
        finally:
            connection.close()
        headers = dict((k.lower(), v) for k, v in response.getheaders())
        if response.status in (502, 503, 504):
            raise Unknown("%s: %s" % (self.name, text))
        return response.status, check_envelope(response.status, headers, text,
                                               "/api/v1" + path.split("?")[0])


class Cluster(World):
    def __init__(self, count):
        self.postgres = Postgres()
        super().__init__()
        self.shared = count > 1
        self.stopping = threading.Event()
        self.errors = []
        self.kills = self.chosen = self.naps = 0
        self.armed = None
        self.arm_lock = threading.Lock()
        self.replicas = []
        try:
            for number in range(count):
                self.add_replica("server-%d" % (number + 1))
            for number in range(3):
                self.add_agent("agent-%d" % (number + 1), number)
        except Exception:  # nobody else knows of it
            self.show()
            self.close()
            raise

    # -- servers

    def add_replica(self, name):
        data = os.path.join(self.directory, name)
        settings = {"http_listen": "127.0.0.1:0", "grpc_listen": "127.0.0.1:0", "data": data,
                    "store": "postgres:///ci?host=%s&user=ann" % self.postgres.directory,
                    "log_dir": os.path.join(self.directory, "logs"), "log_level": "debug",
                    "lease_ttl": LEASE, "heartbeat": "1s"}
        if self.shared:
            settings.update(store_shared=True, replica_lease="%ds" % REPLICA_LEASE_S)
        if self.replicas:  # the token of the first one is good at each
            os.makedirs(data, mode=0o700)
            shutil.copy(os.path.join(self.settings["data"], "admin.token"), data)
        else:
            self.settings["data"] = data
        replica = Replica(self, name, settings)
        replica.start()
        replica.await_listening()
        if not self.replicas:
            self.kept_token = World.token.fget(self)
        self.replicas.append(replica)

    @property
    def token(self):
        return self.kept_token

    def add_agent(self, name, turn):
        """turn: which server it asks first."""
        directory = os.path.join(self.directory, name)
        os.makedirs(directory)
        token_path = os.path.join(directory, "registration.token")
        _, envelope = self.insist(random.Random(turn), "POST", "/registration-tokens",
                                  {"description": name})
        with open(os.open(token_path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(envelope["detail"]["token"] + "\n")
        argv = [program("arcentra-agent"), "--token-file", token_path, "--name", name, "--slots",
                "4", "--data", os.path.join(directory, "data"), "--verbose"]
        for number in range(len(self.replicas)):
            replica = self.replicas[(turn + number) % len(self.replicas)]
            argv += ["--server", "127.0.0.1:%d" % replica.grpc_port]
        self.agents[name] = self.start(name, argv)
        wait_until(lambda: "Registered" in self.agents[name].text(), name + " to register")

    # -- clients

    def insist(self, rng, method, path, body=None, first=None):
        """status and envelope of a call that is asked at one server after the other until one of
        them answers. The third of the answer says whether it was asked more than once."""
        end = time.monotonic() + PATIENCE
        replica, tries = first or rng.choice(self.replicas), 0
        while True:
            strikes = []
            try:
                status, envelope = replica.ask(method, path, body,
                                               lambda: strikes.extend(self.strike(replica, rng)))
                envelope["again"] = tries > 0
                return status, envelope
            except Unknown as why:
                for strike in strikes:
                    strike.inside = isinstance(why, Lost)
                if time.monotonic() > end:
                    raise Failure("%s %s is not answered: %s" % (method, path, why))
            finally:
                for strike in strikes:
                    strike.over = True
            tries += 1
            time.sleep(rng.uniform(0.01, 0.2))  # of a client's own patience
            replica = rng.choice(self.replicas)

    def get(self, rng, path):
        status, envelope = self.insist(rng, "GET", path)
        same(status, 200, "GET %s: %r" % (path, envelope))
        return envelope["detail"]

    def in_threads(self, functions):
        """Starts them; what one of them raises ends all."""
        def guarded(function):
            try:
                function()
            except BaseException as error:
                self.errors.append(error)
                self.stopping.set()
        threads = [threading.Thread(target=guarded, args=(function,), daemon=True)
                   for function in functions]
        for thread in threads:
            thread.start()
        return threads

    def raise_errors(self):
        if self.errors:
            raise self.errors[0]

    # -- who kills them

    def strike(self, replica, rng):
        """Called while a request is on its way to a server: it may be the last that it hears."""
        with self.arm_lock:
            strike, self.armed = self.armed, None
        if strike is None:
            return []
        time.sleep(rng.uniform(0, strike.window))  # anywhere between its arrival and its answer
        replica.kill()
        return [strike]

    def kill_inside(self):
        """Until one was killed that has not answered; who was faster has been killed as well."""
        window = 0.02
        while True:
            self.armed = strike = Strike(window)
            wait_until(lambda: strike.over or self.stopping.is_set(), "a call to be inside of")
            self.armed = None
            if strike.inside or self.stopping.is_set():
                self.chosen += strike.inside
                return
            self.revive()
            window /= 2

    def kill_some(self, count, seed):
        """One kill after the other: at random moments, inside of calls, both at once; in between a
        server that is stopped for longer than the others believe in it. Each kind comes as often
        as the others."""
        rng = random.Random(seed)
        kinds = ("random", "inside", "both", "nap") if self.shared else ("random", "inside")
        bag = []
        while self.kills < count and not self.stopping.is_set():
            bag = bag or rng.sample(kinds, len(kinds))
            kind = bag.pop()
            self.stopping.wait(rng.uniform(0.2, 1.2))
            if kind == "inside":
                self.kill_inside()
            elif kind == "nap":
                self.nap(rng.choice(self.replicas))
                continue
            else:
                for replica in (self.replicas if kind == "both" else [rng.choice(self.replicas)]):
                    replica.kill()
            # Some stay away for so long that the other one takes over what was theirs.
            away = REPLICA_LEASE_S + 1 if rng.random() < 0.3 else rng.uniform(0, 0.5)
            self.stopping.wait(away if self.shared else min(away, 0.5))
            self.revive()

    def kill_database(self, count, seed):
        """PostgreSQL is killed in both ways, and at times a server with it."""
        rng = random.Random(seed)
        while self.kills < count and not self.stopping.is_set():
            self.stopping.wait(rng.uniform(0.3, 1.5))
            rng.choice((self.postgres.kill, self.postgres.kill_all))()
            if rng.random() < 0.2:
                rng.choice(self.replicas).kill()
            self.stopping.wait(rng.uniform(0, 1))
            self.postgres.start()
            self.kills += 1
            for replica in self.replicas:
                if not replica.process.alive():
                    replica.start()
                    replica.await_listening()

    def nap(self, replica):
        replica.process.signal(signal.SIGSTOP)
        time.sleep(REPLICA_LEASE_S + 1.5)  # what is meant is the time itself
        replica.process.signal(signal.SIGCONT)
        self.naps += 1

    def revive(self):
        gone = [replica for replica in self.replicas if not replica.process.alive()]
        for replica in gone:
            self.kills += 1
            replica.start()
        for replica in gone:
            replica.await_listening()

    # -- the end

    def ws_somewhere(self, rng):
        try:
            return WebSocket(rng.choice(self.replicas).http_port, token=self.token)
        except (OSError, Failure) as error:
            raise Unknown(repr(error))

    def close(self):
        self.stopping.set()
        self.armed = None
        for process in self.processes:
            process.signal(signal.SIGCONT)
        try:
            super().close()
        finally:
            self.postgres.close()

    def left_behind(self, seconds=10):
        return left_in([self.directory, self.postgres.directory], seconds)
