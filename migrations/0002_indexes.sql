-- Retention removes former states of partitions from the oldest on, and asks whether anything kept was ended by a change.
CREATE INDEX partition_images_ended ON partition_images (ended_seq);
-- Before data is moved or deleted, whether something else lives at or below that place.
CREATE INDEX databases_managed ON databases (managed_location) WHERE dropped_at IS NULL AND managed_location IS NOT NULL;
