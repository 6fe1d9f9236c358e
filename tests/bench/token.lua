-- wrk's requests carry the token of the server under test, from the environment.
wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN")
