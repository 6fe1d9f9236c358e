-- Retention removes former states of partitions from the oldest on, and asks whether anything kept was ended by a change.
CREATE INDEX partition_images_ended ON partition_images (ended_seq);
