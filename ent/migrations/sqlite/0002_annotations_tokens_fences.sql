-- disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
-- create "new_cursors" table
CREATE TABLE `new_cursors` (`id` text NOT NULL, `cursor` blob NULL, `crawled_at` integer NOT NULL, `problems` text NOT NULL DEFAULT (''), `held` text NOT NULL DEFAULT (''), PRIMARY KEY (`id`));
-- copy rows from old table "cursors" to new temporary table "new_cursors"
INSERT INTO `new_cursors` (`id`, `cursor`, `crawled_at`, `problems`) SELECT `id`, `cursor`, `crawled_at`, `problems` FROM `cursors`;
-- drop "cursors" table after copying rows
DROP TABLE `cursors`;
-- rename temporary table "new_cursors" to "cursors"
ALTER TABLE `new_cursors` RENAME TO `cursors`;
-- create "annotations" table
CREATE TABLE `annotations` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key` text NOT NULL, `about` text NOT NULL, `digest` blob NOT NULL, `began` integer NOT NULL, `ended` integer NULL, `path` text NOT NULL DEFAULT (''), `attribute` text NOT NULL, `value` text NOT NULL, `provenance_kind` text NOT NULL, `provenance_name` text NOT NULL, `provenance_why` text NOT NULL DEFAULT (''));
-- create index "annotation_key" to table: "annotations"
CREATE UNIQUE INDEX `annotation_key` ON `annotations` (`key`) WHERE ended IS NULL;
-- create index "annotation_about_began" to table: "annotations"
CREATE INDEX `annotation_about_began` ON `annotations` (`about`, `began`);
-- create index "annotation_began" to table: "annotations"
CREATE INDEX `annotation_began` ON `annotations` (`began`);
-- create index "annotation_ended" to table: "annotations"
CREATE INDEX `annotation_ended` ON `annotations` (`ended`) WHERE ended IS NOT NULL;
-- create "checkpoints" table
CREATE TABLE `checkpoints` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `at` integer NOT NULL, `note` text NOT NULL);
-- create "fences" table
CREATE TABLE `fences` (`id` text NOT NULL, `number` integer NOT NULL, `taken_at` integer NOT NULL, PRIMARY KEY (`id`));
-- create "pushes" table
CREATE TABLE `pushes` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `source` text NOT NULL, `key` text NOT NULL, `digest` blob NOT NULL, `answer` text NOT NULL, `at` integer NOT NULL);
-- create index "push_source_key" to table: "pushes"
CREATE UNIQUE INDEX `push_source_key` ON `pushes` (`source`, `key`);
-- create index "push_at" to table: "pushes"
CREATE INDEX `push_at` ON `pushes` (`at`);
-- create "scopes" table
CREATE TABLE `scopes` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `source` text NOT NULL, `parent` text NOT NULL DEFAULT (''), `done_at` integer NOT NULL);
-- create index "scope_source_parent" to table: "scopes"
CREATE UNIQUE INDEX `scope_source_parent` ON `scopes` (`source`, `parent`);
-- create "sightings" table
CREATE TABLE `sightings` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `source` text NOT NULL, `about` text NOT NULL, `digest` blob NOT NULL, `seen_at` integer NOT NULL);
-- create index "sighting_source_about" to table: "sightings"
CREATE UNIQUE INDEX `sighting_source_about` ON `sightings` (`source`, `about`);
-- create index "sighting_about" to table: "sightings"
CREATE INDEX `sighting_about` ON `sightings` (`about`);
-- create "tokens" table
CREATE TABLE `tokens` (`id` text NOT NULL, `hash` blob NOT NULL, `name` text NOT NULL, `sources` text NOT NULL DEFAULT (''), `created_by` text NOT NULL, `created_at` integer NOT NULL, `expires_at` integer NOT NULL, `revoked_at` integer NULL, `last_used_at` integer NOT NULL DEFAULT (0), PRIMARY KEY (`id`));
-- create index "token_hash" to table: "tokens"
CREATE UNIQUE INDEX `token_hash` ON `tokens` (`hash`);
-- enable back the enforcement of foreign-keys constraints
PRAGMA foreign_keys = on;
