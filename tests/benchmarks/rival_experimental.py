"""Asked by the benchmark in another interpreter with JAX: the public code of LosVolterrosHermanos/Experimental.

Usage: python rival_experimental.py CHECKOUT < request.json. Reads a problem as JSON, prints times and curves as JSON.
The public functions are called as they are; nothing of them is kept here.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import types
from collections.abc import Callable
from typing import Any

REPEATS = 5


def best(work: Callable[[], Any]) -> tuple[float, Any]:
    """Median seconds after one call that compiles."""
    out = work()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        out = work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), out


def ode(request: dict[str, Any]) -> dict[str, Any]:
    """SGD's risk by the log-time ODE, compiled: E[residual^2] at its own times."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from power_law_rf import ode as module

    values = jnp.asarray(request["eigenvalues"], dtype=jnp.float32)
    shares = np.asarray(request["shares"])
    rho = jnp.asarray(shares / np.asarray(request["eigenvalues"]), dtype=jnp.float32)
    zero = jnp.zeros_like(values)
    rate, last, dt = request["rate"], request["last"], request["dt"]
    # their grid of times is made from a traced logarithm, which jit refuses: give that one call a concrete one
    proxy: Any = types.ModuleType("jnp_concrete_log")
    proxy.__dict__.update(jnp.__dict__)
    proxy.log = lambda x: np.log(x) if isinstance(x, (int, float)) else jnp.log(x)
    module.jnp = proxy
    hparams = module.DanaHparams(g1=lambda t: 0.0, g2=lambda t: rate, g3=lambda t: 0.0, delta=lambda t: 1.0)

    @jax.jit
    def solve(rho: Any) -> Any:
        inputs = module.ODEInputs(values, rho, zero, zero, 0.5 * request["floor"])
        return module.ode_resolvent_log_implicit(inputs, hparams, 1, len(values), float(last), dt)

    seconds, (times, risks) = best(lambda: jax.block_until_ready(solve(rho)))
    keep = np.unique(np.round(np.linspace(0, len(times) - 1, 400)).astype(int))
    return {"seconds": seconds, "times": np.asarray(times)[keep].tolist(), "risks": np.asarray(risks)[keep].tolist()}


def sgd(request: dict[str, Any]) -> dict[str, Any]:
    """Seconds per step of SGD at batch 1 on their data, with their loss, in one compiled scan.

    (Their own loop compiles a scan anew for every stretch between recorded losses; that is not counted.)
    """
    import jax
    import jax.numpy as jnp
    import optax
    from power_law_rf.power_law_rf import PowerLawRF

    key, steps = jax.random.PRNGKey(0), request["steps"]
    problem = PowerLawRF.initialize_random(request["alpha"], request["beta"], request["v"], request["M"], key)
    optimizer = optax.sgd(request["rate"])

    def loss(params: Any, x: Any, y: Any) -> Any:
        return jnp.mean(optax.l2_loss(x @ params, y))

    def step(state: Any, key: Any) -> tuple[Any, Any]:
        params, inner = state
        value, gradient = jax.value_and_grad(loss)(params, *problem.get_data(key, 1))
        updates, inner = optimizer.update(gradient, inner, params)
        return (optax.apply_updates(params, updates), inner), value

    @jax.jit
    def run(keys: Any) -> Any:
        init = jnp.zeros((request["M"], 1))
        return jax.lax.scan(step, (init, optimizer.init(init)), keys)[0]

    keys = jax.random.split(key, steps)
    seconds, _ = best(lambda: jax.block_until_ready(run(keys)))
    return {"seconds": seconds / steps}


def signsgd(request: dict[str, Any]) -> dict[str, Any]:
    """Seconds per run and step of the same sampler as ours, jitted: triangular factor times normals, sign, update."""
    import jax
    import jax.numpy as jnp

    factor = jnp.asarray(request["factor"], dtype=jnp.float32)
    start = jnp.asarray(request["start"], dtype=jnp.float32)
    runs, steps, rate = request["runs"], request["steps"], request["rate"]
    floor = request["floor"] ** 0.5

    @jax.jit
    def solve(key: Any) -> Any:
        def step(e: Any, key: Any) -> tuple[Any, None]:
            one, two = jax.random.split(key)
            x = jax.random.normal(one, (runs, len(start))) @ factor.T
            residual = jnp.einsum("rm,rm->r", x, e) - floor * jax.random.normal(two, (runs,))
            return e - rate * jnp.sign(residual)[:, None] * jnp.sign(x), None

        e = jnp.tile(start, (runs, 1))
        return jax.lax.scan(step, e, jax.random.split(key, steps))[0]

    seconds, _ = best(lambda: jax.block_until_ready(solve(jax.random.PRNGKey(0))))
    return {"seconds": seconds / (runs * steps)}


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    asked = json.load(sys.stdin)
    json.dump({"ode": ode, "sgd": sgd, "signsgd": signsgd}[asked["what"]](asked), sys.stdout)
