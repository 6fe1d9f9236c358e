#include "catalog/changes.h"
#include "config/config.h"
#include "gen/openapi.auto.h"
#include "server/rest/rest.h"
#include "server/server.h"
#include "server/thrift_server.h"

static bool answer_text(Request *r, const char *type, Str text) {
    r->answer.content_type = type;
    r->answer.fixed = text;
    return true;
}

bool rest_healthz(Request *r, Err *err) {
    (void)err;
    return answer_text(r, "text/plain; charset=utf-8", STR("ok\n"));
}

/* Ready: the database answers and its schema is in place (a query on our own table works). */
bool rest_readyz(Request *r, Err *err) {
    int64_t last, hms;
    Ctx ctx = r->ctx;
    Caller server = {.protocol = STR("server"), .admin = true};
    ctx.caller = &server;
    if (atomic_load(&r->server->stopping)) {
        return err_set(err, ERR_OVERLOADED, "The server is stopping.");
    }
    return change_last_id(&ctx, &last, &hms, err) && answer_text(r, "text/plain; charset=utf-8", STR("ready\n"));
}

bool rest_version(Request *r, Err *err) {
    (void)err;
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_put_str(&w, "name", STR("propolis"));
    jw_put_str(&w, "version", str_from(SERVER_VERSION));
    jw_put_str(&w, "api", STR("v1"));
    jw_object_end(&w);
    return true;
}

bool rest_openapi(Request *r, Err *err) {
    (void)err;
    return answer_text(r, "application/yaml", (Str){(const char *)openapi_yaml, openapi_yaml_len});
}

/* --- metrics ----------------------------------------------------------------------------------------------------- */

static void write_workers(Buf *out, Server *server) {
    WorkersStats stats[2];
    workers_stats(server->read, &stats[0]);
    workers_stats(server->bulk, &stats[1]);
    static const char *const ROWS[][3] = {
        {"propolis_workers_threads", "gauge", "Worker threads, by class."},
        {"propolis_workers_busy", "gauge", "Worker threads that serve a request."},
        {"propolis_queue_length", "gauge", "Requests waiting for a worker."},
        {"propolis_queue_limit", "gauge", "Requests that may wait (limits.queue)."},
        {"propolis_queue_refused_total", "counter", "Requests refused because the queue was full."},
        {"propolis_queue_done_total", "counter", "Requests taken from the queue and served."},
        {"propolis_queue_wait_seconds_total", "counter", "Time that requests have waited for a worker."},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        metrics_head(out, ROWS[i][0], ROWS[i][1], ROWS[i][2]);
        for (size_t k = 0; k < ARRAY_LEN(stats); k++) {
            const WorkersStats *s = &stats[k];
            double values[] = {s->threads,         s->busy,         (double)s->queued,       (double)s->queue_limit,
                               (double)s->refused, (double)s->done, (double)s->wait_us / 1e6};
            metrics_value(out, ROWS[i][0], "class", s->name, values[i]);
        }
    }
}

static void write_pools(Buf *out, Server *server) {
    static const char *const ROWS[][3] = {
        {"propolis_pg_connections_limit", "gauge", "Most connections of the pool."},
        {"propolis_pg_connections_open", "gauge", "Connections open."},
        {"propolis_pg_connections_in_use", "gauge", "Connections lent out."},
        {"propolis_pg_waiting", "gauge", "Requests waiting for a connection."},
        {"propolis_pg_waited_total", "counter", "Requests that had to wait for a connection."},
        {"propolis_pg_connect_failures_total", "counter", "Connections that could not be made."},
        {"propolis_pg_lost_total", "counter", "Connections lost while in use."},
        {"propolis_pg_statements_total", "counter", "Statements run."},
        {"propolis_pg_round_trips_total", "counter", "Times that a reply was waited for."},
        {"propolis_pg_retries_total", "counter", "Transactions run again."},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        metrics_head(out, ROWS[i][0], ROWS[i][1], ROWS[i][2]);
        for (int class = 0; class < PG_CLASS_COUNT; class ++) {
            PgPoolStats s;
            pg_pool_stats(server->catalog.pg, (PgClass) class, &s);
            double values[] = {s.limit,
                               s.open,
                               s.in_use,
                               s.waiting,
                               (double)s.waited,
                               (double)s.connect_failures,
                               (double)s.lost,
                               (double)s.statements,
                               (double)s.round_trips,
                               (double)s.retries};
            metrics_value(out, ROWS[i][0], "pool", s.name, values[i]);
        }
    }
}

static void write_http(Buf *out, Server *server) {
    HttpStats s;
    http_stats(server->http, &s);
    metrics_head(out, "propolis_http_connections", "gauge", "Open HTTP connections.");
    metrics_value(out, "propolis_http_connections", NULL, NULL, s.connections);
    metrics_head(out, "propolis_http_connections_total", "counter", "HTTP connections accepted.");
    metrics_value(out, "propolis_http_connections_total", NULL, NULL, (double)s.connections_total);
    metrics_head(out, "propolis_http_open_requests", "gauge", "Requests that have begun and are not answered.");
    metrics_value(out, "propolis_http_open_requests", NULL, NULL, s.exchanges);
    metrics_head(out, "propolis_http_body_bytes", "gauge", "Bytes of request bodies held (limits.request_bodies).");
    metrics_value(out, "propolis_http_body_bytes", NULL, NULL, (double)s.body_bytes);
    metrics_head(out, "propolis_http_streams", "gauge", "Open event streams.");
    metrics_value(out, "propolis_http_streams", NULL, NULL, s.streams);
    metrics_head(out, "propolis_start_time_seconds", "gauge", "When the server started, in seconds since 1970.");
    metrics_value(out, "propolis_start_time_seconds", NULL, NULL, (double)server->started_at / 1e6);
    metrics_head(out, "propolis_build_info", "gauge", "Always 1; the label tells the version.");
    metrics_value(out, "propolis_build_info", "version", SERVER_VERSION, 1);
}

static void write_thrift(Buf *out, const Server *server) {
    ThriftServerStats s;
    thrift_server_stats(server->thrift, &s);
    metrics_head(out, "propolis_thrift_connections", "gauge", "Open Thrift connections.");
    metrics_value(out, "propolis_thrift_connections", NULL, NULL, s.connections);
    metrics_head(out, "propolis_thrift_connections_total", "counter", "Thrift connections accepted.");
    metrics_value(out, "propolis_thrift_connections_total", NULL, NULL, (double)s.accepted);
    metrics_head(out, "propolis_thrift_connections_refused_total", "counter", "Thrift connections over thrift.max_connections.");
    metrics_value(out, "propolis_thrift_connections_refused_total", NULL, NULL, (double)s.refused);
}

bool rest_metrics(Request *r, Err *err) {
    if (!r->server->catalog.config->metrics.enabled) {
        return err_set(err, ERR_NOT_FOUND, "Metrics are switched off here (metrics.enabled).");
    }
    Buf *out = &r->answer.body;
    r->answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_write_methods(r->server->metrics, out);
    write_workers(out, r->server);
    write_pools(out, r->server);
    write_http(out, r->server);
    write_thrift(out, r->server);
    metrics_write_process(out);
    return true;
}

/* --- administration ---------------------------------------------------------------------------------------------- */

static bool ask_admin(Request *r, Err *err) {
    return ctx_authorize(&r->ctx, ACTION_ADMIN, "server", STR_NULL, STR_NULL, STR_NULL, err);
}

static void write_method(JsonWriter *w, const Server *server, const Method *m) {
    MethodStats stats = metrics_method(server->metrics, m);
    jw_object_begin(w);
    jw_put_str(w, "name", str_from(m->name));
    jw_put_str(w, "protocol", m->verb ? STR("rest") : STR("hive"));
    jw_put_str(w, "verb", str_from(m->verb));
    jw_put_str(w, "path", str_from(m->path));
    jw_put_str(w, "action", str_from(m->action));
    jw_put_bool(w, "writes", (m->flags & METHOD_WRITE) != 0);
    jw_put_str(w, "class", str_from(m->flags & METHOD_BULK ? "bulk" : "read"));
    jw_put_bool(w, "public", (m->flags & METHOD_PUBLIC) != 0);
    jw_put_str(w, "since", str_from(m->since));
    jw_put_str(w, "doc", str_from(m->doc));
    jw_put_i64(w, "calls", (int64_t)stats.calls);
    jw_put_i64(w, "errors", (int64_t)stats.errors);
    jw_object_end(w);
}

bool rest_admin_methods(Request *r, Err *err) {
    if (!ask_admin(r, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    for (size_t i = 0; i < r->server->methods.count; i++) {
        write_method(&w, r->server, &r->server->methods.rows[i]);
    }
    jw_array_end(&w);
    jw_object_end(&w);
    return true;
}

static void write_pool(JsonWriter *w, const PgPoolStats *s) {
    jw_object_begin(w);
    jw_put_str(w, "name", str_from(s->name));
    jw_put_i64(w, "limit", s->limit);
    jw_put_i64(w, "open", s->open);
    jw_put_i64(w, "in_use", s->in_use);
    jw_put_i64(w, "waiting", s->waiting);
    jw_put_i64(w, "acquired", (int64_t)s->acquired);
    jw_put_i64(w, "waited", (int64_t)s->waited);
    jw_put_i64(w, "connect_failures", (int64_t)s->connect_failures);
    jw_put_i64(w, "lost", (int64_t)s->lost);
    jw_put_i64(w, "statements", (int64_t)s->statements);
    jw_put_i64(w, "retries", (int64_t)s->retries);
    jw_object_end(w);
}

static void write_worker_class(JsonWriter *w, Workers *workers) {
    WorkersStats s;
    workers_stats(workers, &s);
    jw_object_begin(w);
    jw_put_str(w, "name", str_from(s.name));
    jw_put_i64(w, "threads", s.threads);
    jw_put_i64(w, "busy", s.busy);
    jw_put_i64(w, "queued", (int64_t)s.queued);
    jw_put_i64(w, "queue_limit", (int64_t)s.queue_limit);
    jw_put_i64(w, "done", (int64_t)s.done);
    jw_put_i64(w, "refused", (int64_t)s.refused);
    jw_put_i64(w, "wait_us", (int64_t)s.wait_us);
    jw_object_end(w);
}

bool rest_admin_pools(Request *r, Err *err) {
    if (!ask_admin(r, err)) {
        return false;
    }
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_key(&w, STR("database"));
    jw_array_begin(&w);
    for (int class = 0; class < PG_CLASS_COUNT; class ++) {
        PgPoolStats s;
        pg_pool_stats(r->server->catalog.pg, (PgClass) class, &s);
        write_pool(&w, &s);
    }
    jw_array_end(&w);
    jw_key(&w, STR("workers"));
    jw_array_begin(&w);
    write_worker_class(&w, r->server->read);
    write_worker_class(&w, r->server->bulk);
    jw_array_end(&w);
    jw_object_end(&w);
    return true;
}

bool rest_admin_connections(Request *r, Err *err) {
    if (!ask_admin(r, err)) {
        return false;
    }
    HttpStats s;
    http_stats(r->server->http, &s);
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_put_i64(&w, "open", s.connections);
    jw_put_i64(&w, "accepted", (int64_t)s.connections_total);
    jw_put_i64(&w, "requests", (int64_t)s.requests);
    jw_put_i64(&w, "open_requests", s.exchanges);
    jw_put_i64(&w, "streams", s.streams);
    jw_object_end(&w);
    return true;
}

static void write_option(const ConfigEntry *entry, void *arg) {
    JsonWriter *w = arg;
    jw_object_begin(w);
    jw_put_str(w, "key", str_from(entry->key));
    jw_put_str(w, "value", entry->value);
    jw_put_str(w, "source", entry->source);
    jw_put_bool(w, "default", entry->is_default);
    jw_put_bool(w, "reloadable", entry->reloadable);
    jw_object_end(w);
}

bool rest_admin_config(Request *r, Err *err) {
    if (!ask_admin(r, err)) {
        return false;
    }
    const Config *config = r->server->catalog.config;
    JsonWriter w = request_json(r);
    jw_object_begin(&w);
    jw_put_str(&w, "file", config_file(config));
    jw_key(&w, STR("items"));
    jw_array_begin(&w);
    config_each(config, r->arena, write_option, &w);
    jw_array_end(&w);
    jw_object_end(&w);
    return true;
}
