-- create "assets" table
CREATE TABLE `assets` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key` text NOT NULL, `about` text NOT NULL, `digest` blob NOT NULL, `began` integer NOT NULL, `ended` integer NULL, `namespace` text NOT NULL, `name` text NOT NULL, `kind` text NOT NULL, `source` text NOT NULL, `parent` text NOT NULL DEFAULT (''), `location` text NOT NULL DEFAULT (''), `title` text NOT NULL DEFAULT (''), `description` text NOT NULL DEFAULT (''), `labels` text NOT NULL DEFAULT (''), `definition` text NOT NULL DEFAULT (''), `unread` text NOT NULL DEFAULT (''));
-- create index "asset_key" to table: "assets"
CREATE UNIQUE INDEX `asset_key` ON `assets` (`key`) WHERE ended IS NULL;
-- create index "asset_about_began" to table: "assets"
CREATE INDEX `asset_about_began` ON `assets` (`about`, `began`);
-- create index "asset_began" to table: "assets"
CREATE INDEX `asset_began` ON `assets` (`began`);
-- create index "asset_ended" to table: "assets"
CREATE INDEX `asset_ended` ON `assets` (`ended`) WHERE ended IS NOT NULL;
-- create index "asset_source_parent" to table: "assets"
CREATE INDEX `asset_source_parent` ON `assets` (`source`, `parent`);
-- create index "asset_parent" to table: "assets"
CREATE INDEX `asset_parent` ON `assets` (`parent`);
-- create "columns" table
CREATE TABLE `columns` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key` text NOT NULL, `about` text NOT NULL, `digest` blob NOT NULL, `began` integer NOT NULL, `ended` integer NULL, `path` text NOT NULL, `position` integer NOT NULL, `type` text NOT NULL, `mode` text NOT NULL, `description` text NOT NULL DEFAULT (''), `policy_tags` text NOT NULL DEFAULT (''));
-- create index "column_key" to table: "columns"
CREATE UNIQUE INDEX `column_key` ON `columns` (`key`) WHERE ended IS NULL;
-- create index "column_about_began" to table: "columns"
CREATE INDEX `column_about_began` ON `columns` (`about`, `began`);
-- create index "column_began" to table: "columns"
CREATE INDEX `column_began` ON `columns` (`began`);
-- create index "column_ended" to table: "columns"
CREATE INDEX `column_ended` ON `columns` (`ended`) WHERE ended IS NOT NULL;
-- create "cursors" table
CREATE TABLE `cursors` (`id` text NOT NULL, `cursor` blob NULL, `crawled_at` integer NOT NULL, `problems` text NOT NULL DEFAULT (''), PRIMARY KEY (`id`));
-- create "decisions" table
CREATE TABLE `decisions` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `audience` text NOT NULL, `class` text NOT NULL, `content` text NOT NULL, `began` integer NOT NULL, `ended` integer NULL);
-- create index "decision_audience_class" to table: "decisions"
CREATE UNIQUE INDEX `decision_audience_class` ON `decisions` (`audience`, `class`) WHERE ended IS NULL;
-- create index "decision_class_began" to table: "decisions"
CREATE INDEX `decision_class_began` ON `decisions` (`class`, `began`);
-- create "edges" table
CREATE TABLE `edges` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key` text NOT NULL, `about` text NOT NULL, `digest` blob NOT NULL, `began` integer NOT NULL, `ended` integer NULL, `from_about` text NOT NULL, `from_path` text NOT NULL DEFAULT (''), `to_path` text NOT NULL DEFAULT (''), `kind` text NOT NULL, `function` text NOT NULL DEFAULT (''), `masking` bool NOT NULL DEFAULT (false), `outcome` text NOT NULL, `because` text NOT NULL, `statement` text NOT NULL DEFAULT (''));
-- create index "edge_key" to table: "edges"
CREATE UNIQUE INDEX `edge_key` ON `edges` (`key`) WHERE ended IS NULL;
-- create index "edge_about_began" to table: "edges"
CREATE INDEX `edge_about_began` ON `edges` (`about`, `began`);
-- create index "edge_began" to table: "edges"
CREATE INDEX `edge_began` ON `edges` (`began`);
-- create index "edge_ended" to table: "edges"
CREATE INDEX `edge_ended` ON `edges` (`ended`) WHERE ended IS NOT NULL;
-- create index "edge_from_about" to table: "edges"
CREATE INDEX `edge_from_about` ON `edges` (`from_about`);
-- create index "edge_statement" to table: "edges"
CREATE INDEX `edge_statement` ON `edges` (`statement`);
-- create "events" table
CREATE TABLE `events` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `at` integer NOT NULL, `actor` text NOT NULL, `action` text NOT NULL, `object` text NOT NULL DEFAULT (''), `revision` integer NOT NULL, `detail` text NOT NULL DEFAULT (''), `hash` blob NOT NULL);
-- create index "event_actor" to table: "events"
CREATE INDEX `event_actor` ON `events` (`actor`);
-- create index "event_object" to table: "events"
CREATE INDEX `event_object` ON `events` (`object`);
-- create index "event_action" to table: "events"
CREATE INDEX `event_action` ON `events` (`action`);
-- create "grants" table
CREATE TABLE `grants` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key` text NOT NULL, `about` text NOT NULL, `digest` blob NOT NULL, `began` integer NOT NULL, `ended` integer NULL, `principal` text NOT NULL, `role` text NOT NULL, `provenance_kind` text NOT NULL, `provenance_name` text NOT NULL, `provenance_why` text NOT NULL DEFAULT (''));
-- create index "grant_key" to table: "grants"
CREATE UNIQUE INDEX `grant_key` ON `grants` (`key`) WHERE ended IS NULL;
-- create index "grant_about_began" to table: "grants"
CREATE INDEX `grant_about_began` ON `grants` (`about`, `began`);
-- create index "grant_began" to table: "grants"
CREATE INDEX `grant_began` ON `grants` (`began`);
-- create index "grant_ended" to table: "grants"
CREATE INDEX `grant_ended` ON `grants` (`ended`) WHERE ended IS NOT NULL;
-- create "meta" table
CREATE TABLE `meta` (`id` text NOT NULL, `value` text NOT NULL, PRIMARY KEY (`id`));
-- create "owners" table
CREATE TABLE `owners` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key` text NOT NULL, `about` text NOT NULL, `digest` blob NOT NULL, `began` integer NOT NULL, `ended` integer NULL, `principal` text NOT NULL, `role` text NOT NULL, `provenance_kind` text NOT NULL, `provenance_name` text NOT NULL, `provenance_why` text NOT NULL DEFAULT (''));
-- create index "owner_key" to table: "owners"
CREATE UNIQUE INDEX `owner_key` ON `owners` (`key`) WHERE ended IS NULL;
-- create index "owner_about_began" to table: "owners"
CREATE INDEX `owner_about_began` ON `owners` (`about`, `began`);
-- create index "owner_began" to table: "owners"
CREATE INDEX `owner_began` ON `owners` (`began`);
-- create index "owner_ended" to table: "owners"
CREATE INDEX `owner_ended` ON `owners` (`ended`) WHERE ended IS NOT NULL;
-- create index "owner_principal" to table: "owners"
CREATE INDEX `owner_principal` ON `owners` (`principal`);
-- create "plans" table
CREATE TABLE `plans` (`id` text NOT NULL, `content` text NOT NULL, `target` text NOT NULL, `state` text NOT NULL, `planned_by` text NOT NULL, `approved_by` text NOT NULL DEFAULT (''), `planned_at` integer NOT NULL, `changed_at` integer NOT NULL, `done` integer NOT NULL DEFAULT (0), `reason` text NOT NULL DEFAULT (''), PRIMARY KEY (`id`));
-- create index "plan_planned_at" to table: "plans"
CREATE INDEX `plan_planned_at` ON `plans` (`planned_at`);
-- create "revisions" table
CREATE TABLE `revisions` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `at` integer NOT NULL, `actor` text NOT NULL, `why` text NOT NULL);
-- create index "revision_at" to table: "revisions"
CREATE INDEX `revision_at` ON `revisions` (`at`);
-- create "sessions" table
CREATE TABLE `sessions` (`id` text NOT NULL, `data` blob NOT NULL, `expires_at` integer NOT NULL, PRIMARY KEY (`id`));
-- create index "session_expires_at" to table: "sessions"
CREATE INDEX `session_expires_at` ON `sessions` (`expires_at`);
-- create "statements" table
CREATE TABLE `statements` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key` text NOT NULL, `about` text NOT NULL, `digest` blob NOT NULL, `began` integer NOT NULL, `ended` integer NULL, `source` text NOT NULL, `because` text NOT NULL, `dialect` text NOT NULL, `project` text NOT NULL DEFAULT (''), `dataset` text NOT NULL DEFAULT (''), `sql` text NOT NULL, `author` text NOT NULL DEFAULT (''), `outcome` text NOT NULL, `unresolved` text NOT NULL DEFAULT (''), `reason` text NOT NULL DEFAULT (''));
-- create index "statement_key" to table: "statements"
CREATE UNIQUE INDEX `statement_key` ON `statements` (`key`) WHERE ended IS NULL;
-- create index "statement_about_began" to table: "statements"
CREATE INDEX `statement_about_began` ON `statements` (`about`, `began`);
-- create index "statement_began" to table: "statements"
CREATE INDEX `statement_began` ON `statements` (`began`);
-- create index "statement_ended" to table: "statements"
CREATE INDEX `statement_ended` ON `statements` (`ended`) WHERE ended IS NOT NULL;
-- create index "statement_key_began" to table: "statements"
CREATE INDEX `statement_key_began` ON `statements` (`key`, `began`);
-- create index "statement_source" to table: "statements"
CREATE INDEX `statement_source` ON `statements` (`source`);
-- create "tags" table
CREATE TABLE `tags` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key` text NOT NULL, `about` text NOT NULL, `digest` blob NOT NULL, `began` integer NOT NULL, `ended` integer NULL, `path` text NOT NULL DEFAULT (''), `label` text NOT NULL, `state` text NOT NULL, `form` text NOT NULL, `confidence` real NOT NULL, `evidence` text NOT NULL DEFAULT (''), `provenance_kind` text NOT NULL, `provenance_name` text NOT NULL, `provenance_why` text NOT NULL DEFAULT (''));
-- create index "tag_key" to table: "tags"
CREATE UNIQUE INDEX `tag_key` ON `tags` (`key`) WHERE ended IS NULL;
-- create index "tag_about_began" to table: "tags"
CREATE INDEX `tag_about_began` ON `tags` (`about`, `began`);
-- create index "tag_began" to table: "tags"
CREATE INDEX `tag_began` ON `tags` (`began`);
-- create index "tag_ended" to table: "tags"
CREATE INDEX `tag_ended` ON `tags` (`ended`) WHERE ended IS NOT NULL;
