#include "catalog/sql/jobs_sql.h"

#include "config/config.h"
#include "tests/unit/catalog_bed.h"

static bool take(Bed *bed, Uuid server, bool alone, Job *ret) {
    CLEANUP(pg_conn_cleanup) PgConn *conn = NULL;
    bool found = false;
    Err err;
    bed->catalog.server_id = server;
    assert_ok(pg_acquire(bed->pg, PG_READ, bed->ctx.deadline, &conn, &err));
    assert_ok(job_take(&bed->ctx, conn, alone, ret, &found, &err));
    return found;
}

/* A job that was taken is nobody else's until jobs.lease is over. Who holds it could not finish it, and takes it again. */
static void test_lease(void **state) {
    Bed *bed = *state;
    Uuid one = uuid_random(), other = uuid_random();
    Config config = *bed->catalog.config;
    Job job;
    config.jobs.lease = 90 * 1000;
    bed->catalog.config = &config;
    bed_sql(bed, "INSERT INTO jobs (kind, payload) VALUES ('delete_data', '{}')");
    assert_true(take(bed, one, false, &job));
    assert_int_equal(job.attempts, 1);
    assert_int_equal(bed_count(bed, "SELECT round(extract(epoch FROM leased_until - clock_timestamp()) / 10)::bigint FROM jobs"),
                     9);
    assert_true(take(bed, one, false, &job));
    assert_false(take(bed, other, false, &job));
    assert_true(take(bed, other, true, &job)); /* it knows that nobody else is there */
    assert_false(take(bed, one, false, &job));
    bed_sql(bed, "UPDATE jobs SET leased_until = clock_timestamp()");
    assert_true(take(bed, one, false, &job));
    assert_int_equal(job.attempts, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {BED_TEST(test_lease)};
    return BED_RUN("jobs", tests);
}
