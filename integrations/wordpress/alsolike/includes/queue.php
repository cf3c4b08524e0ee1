<?php
/**
 * Tells the service what was published, edited, unpublished and deleted.
 *
 * A change only marks its post, in a row of the options table that outlives any failure. What is sent
 * is the post's state at the moment of sending, so the newest state wins whatever came before. A mark
 * is removed when the service has answered, and only if the post was not marked again meanwhile.
 *
 * @package AlsoLike
 */

namespace AlsoLike;

defined( 'ABSPATH' ) || exit;

// phpcs:disable WordPress.DB.DirectDatabaseQuery -- Marks must not pass through any cache.

const MARK     = 'alsolike_push_';
const DRAIN    = 'alsolike_drain';
const HOURLY   = 'alsolike_hourly';
const WAIT     = 'alsolike_wait';
const COMPARE  = 'alsolike_compare';
const PROBLEMS = 'alsolike_problems';
const BATCH    = 50;

/**
 * Marks a post as changed.
 *
 * @param int $post_id The post.
 */
function mark( $post_id ) {
	global $wpdb;
	insert_marks( $wpdb->prepare( 'VALUES (%s, %s, %s)', MARK . $post_id, uniqid( '', true ), 'no' ) );
}

/**
 * Marks the posts that the service may know and that a condition holds for, such as all of an author.
 *
 * @param string     $condition In SQL, with one placeholder.
 * @param int|string $value     What stands for the placeholder.
 */
function mark_where( $condition, $value ) {
	global $wpdb;
	$types = types_ever();
	if ( ! $types ) {
		return;
	}
	$names = implode( ', ', array_fill( 0, count( $types ), '%s' ) );
	insert_marks(
		$wpdb->prepare(
			// phpcs:ignore WordPress.DB.PreparedSQL.InterpolatedNotPrepared, WordPress.DB.PreparedSQLPlaceholders
			"SELECT CONCAT(%s, ID), %s, 'no' FROM $wpdb->posts WHERE post_status IN ('publish', 'future') AND post_type IN ($names) AND $condition",
			array_merge( array( MARK, uniqid( '', true ) ), $types, array( $value ) )
		)
	);
}

/**
 * Marks the posts of a term and of the terms below it, whose addresses may hold its name.
 *
 * @param int    $term_id  The term.
 * @param string $taxonomy Its taxonomy.
 */
function mark_of_term( $term_id, $taxonomy ) {
	global $wpdb;
	$below = get_term_children( $term_id, $taxonomy );
	$terms = implode( ', ', array_map( 'intval', array_merge( array( $term_id ), is_array( $below ) ? $below : array() ) ) );
	mark_where( "ID IN (SELECT object_id FROM $wpdb->term_relationships JOIN $wpdb->term_taxonomy USING (term_taxonomy_id) WHERE term_id IN ($terms) AND taxonomy = %s)", $taxonomy );
}

/**
 * Writes marks over those of the same posts, and has what is marked sent at the end of the request.
 *
 * @param string $rows Name, value and whether to load it always, in SQL.
 */
function insert_marks( $rows ) {
	global $wpdb;
	// phpcs:ignore WordPress.DB.PreparedSQL.InterpolatedNotPrepared
	$wpdb->query( "INSERT INTO $wpdb->options (option_name, option_value, autoload) $rows ON DUPLICATE KEY UPDATE option_value = VALUES(option_value)" );
	if ( ! has_action( 'shutdown', __NAMESPACE__ . '\drain_at_end' ) ) {
		add_action( 'shutdown', __NAMESPACE__ . '\drain_at_end' );
	}
}

/**
 * Marks all posts that the service is to know, and has those marked that it knows.
 */
function mark_all() {
	mark_where( 'ID > %d', 0 );
	update_option( COMPARE, 0, false );
}

/**
 * Marks what a page of the service's list of pushes says it has; what WordPress would not send is deleted there then.
 *
 * @param int $after The number of the last push of the page before.
 * @return bool Whether the service answered; else it is tried again later.
 */
function mark_pushed( $after ) {
	$answer = request( 'GET', 'v1/articles/pushed', array( 'after' => $after ), null, 'token', 10 );
	if ( 200 !== $answer['status'] || ! is_array( $answer['body']['items'] ?? null ) ) {
		if ( in_array( $answer['status'], array( 200, 404 ), true ) || is_refusal( $answer ) ) {
			delete_option( COMPARE ); // It is not to hold up what is marked.
		} else {
			pause( $answer );
		}
		return false;
	}
	$ids = array();
	foreach ( $answer['body']['items'] as $item ) {
		$id = $item['id'] ?? null;
		if ( empty( $item['gone'] ) && (string) (int) $id === $id ) {
			$ids[] = (int) $id;
		}
	}
	_prime_post_caches( $ids, false, false );
	foreach ( $ids as $id ) {
		$post = get_post( $id );
		if ( ! concerns( $post ) || ! in_array( $post->post_type, (array) setting( 'types' ), true ) ) {
			mark( $id );
		}
	}
	$next = (int) ( $answer['body']['next'] ?? 0 );
	if ( $next > $after ) {
		update_option( COMPARE, $next, false );
	} else {
		delete_option( COMPARE );
	}
	return true;
}

/**
 * Returns the oldest marks.
 *
 * @param int $limit How many at most.
 * @return array<int, string> What each post's mark holds, by the post's number.
 */
function marks( $limit = BATCH ) {
	global $wpdb;
	$rows  = $wpdb->get_results( $wpdb->prepare( "SELECT option_name, option_value FROM $wpdb->options WHERE option_name LIKE %s ORDER BY option_id LIMIT %d", $wpdb->esc_like( MARK ) . '%', $limit ) );
	$found = array();
	foreach ( $rows as $row ) {
		$found[ (int) substr( $row->option_name, strlen( MARK ) ) ] = $row->option_value;
	}
	return $found;
}

/**
 * Returns how many posts are marked.
 */
function waiting() {
	global $wpdb;
	return (int) $wpdb->get_var( $wpdb->prepare( "SELECT COUNT(*) FROM $wpdb->options WHERE option_name LIKE %s", $wpdb->esc_like( MARK ) . '%' ) );
}

/**
 * Removes a post's mark, unless the post was marked again.
 *
 * @param int    $post_id The post.
 * @param string $value   What the mark held when it was read.
 */
function forget( $post_id, $value ) {
	global $wpdb;
	$wpdb->query( $wpdb->prepare( "DELETE FROM $wpdb->options WHERE option_name = %s AND option_value = %s", MARK . $post_id, $value ) );
}

/**
 * Sends what is marked once the visitor has the page.
 */
function drain_at_end() {
	if ( function_exists( 'fastcgi_finish_request' ) ) {
		fastcgi_finish_request();
	}
	drain( 4 );
}

/**
 * Sends what is marked, one process of the site at a time.
 *
 * @param int $seconds How long at most.
 */
function drain( $seconds = 25 ) {
	global $wpdb;
	$wait = get_option( WAIT );
	if ( can_send() && ( ! is_array( $wait ) || $wait['until'] <= time() ) ) {
		$lock = 'alsolike_' . md5( DB_NAME . $wpdb->options );
		// Databases without this function answer nothing; then two processes may send the same, which is harmless.
		if ( '0' !== $wpdb->get_var( $wpdb->prepare( 'SELECT GET_LOCK(%s, 2)', $lock ) ) ) {
			$end = microtime( true ) + $seconds;
			do {
				$after = get_option( COMPARE );
				$marks = marks();
				$went  = $marks ? push( $marks, $end ) : false !== $after && mark_pushed( (int) $after );
			} while ( $went && microtime( true ) < $end );
			$wpdb->query( $wpdb->prepare( 'SELECT RELEASE_LOCK(%s)', $lock ) );
		}
	}
	plan();
}

/**
 * Whether the plugin is set up to send anything.
 */
function can_send() {
	return setting( 'address' ) && setting( 'token' );
}

/**
 * Plans when to send what is still marked.
 */
function plan() {
	if ( ! can_send() || ( false === get_option( COMPARE ) && ! marks( 1 ) ) ) {
		return;
	}
	$wait = get_option( WAIT );
	$at   = max( time(), is_array( $wait ) ? $wait['until'] : 0 );
	$next = wp_next_scheduled( DRAIN );
	if ( $next && $next > $at ) {
		wp_unschedule_event( $next, DRAIN );
	}
	if ( ! $next || $next > $at ) {
		wp_schedule_single_event( $at, DRAIN );
	}
}

/**
 * Sends the present states of posts.
 *
 * @param array<int, string> $marks Their marks.
 * @param float              $end   When to stop sending them one by one.
 * @return bool Whether the service answered for them all; else it is tried again later.
 */
function push( $marks, $end ) {
	$statements = array();
	$user       = get_current_user_id();
	wp_set_current_user( 0 ); // Whoever is signed in may see more than readers.
	try {
		foreach ( $marks as $post_id => $value ) {
			clean_post_cache( $post_id ); // Another process may have changed it.
			$statements[] = array(
				'id'     => (string) $post_id,
				'record' => make_record( get_post( $post_id ) ),
			);
		}
	} finally {
		wp_set_current_user( $user );
	}
	if ( count( $statements ) > 1 ) {
		$answer = request( 'POST', 'v1/articles/batch', array(), array( 'statements' => $statements ), 'token', 20 );
		if ( is_refusal( $answer ) ) { // Too long as a whole, say.
			foreach ( $marks as $post_id => $value ) {
				if ( ! push( array( $post_id => $value ), $end ) || microtime( true ) >= $end ) {
					return false;
				}
			}
			return true;
		}
		$results = array_filter(
			(array) ( $answer['body']['results'] ?? array() ),
			static function ( $result ) use ( $marks ) {
				return is_array( $result ) && isset( $marks[ text_in( $result, 'id' ) ], $result['status'] );
			}
		);
	} else {
		$record  = $statements[0]['record'];
		$query   = array( 'id' => $statements[0]['id'] );
		$answer  = request( null === $record ? 'DELETE' : 'PUT', 'v1/articles', $query, $record, 'token', 4 );
		$results = array(
			array(
				'id'      => $statements[0]['id'],
				'status'  => $answer['status'],
				'answer'  => $answer['body'],
				'problem' => array( 'detail' => $answer['detail'] ),
			),
		);
	}
	if ( ! $results || ( 202 !== $answer['status'] && ! is_refusal( $answer ) ) ) {
		pause( $answer );
		return false;
	}
	delete_option( WAIT );
	delete_transient( AWAY );
	settle( $marks, $results );
	return true;
}

/**
 * Waits before the service is asked again, longer after each failure.
 *
 * @param array $answer The service's answer.
 */
function pause( $answer ) {
	$wait  = get_option( WAIT );
	$tries = is_array( $wait ) ? $wait['tries'] + 1 : 1;
	$pause = min( HOUR_IN_SECONDS, max( $answer['wait'], 15 * 2 ** min( $tries - 1, 8 ) ) );
	update_option(
		WAIT,
		array(
			'until'  => time() + $pause,
			'tries'  => $tries,
			'detail' => $answer['detail'],
		)
	);
}

/**
 * Whether this will never be taken, however often it is sent: as the service says, in its own words, or
 * as it is too long for a proxy. Else a proxy may refuse all, as where the address is wrong.
 *
 * @param array $answer The answer.
 */
function is_refusal( $answer ) {
	$own = isset( $answer['body']['status'], $answer['body']['detail'] );
	return in_array( $answer['status'], $own ? array( 400, 413, 414, 422 ) : array( 413 ), true );
}

/**
 * Removes the marks of posts that the service has answered for, and drops the lists that change.
 *
 * @param array<int, string> $marks   The marks.
 * @param array[]            $results The service's answer for each post.
 */
function settle( $marks, $results ) {
	$problems = (array) get_option( PROBLEMS, array() );
	$before   = $problems;
	foreach ( $results as $result ) {
		$post_id = (int) $result['id'];
		forget( $post_id, $marks[ $post_id ] ?? '' );
		delete_transient( "alsolike_list_$post_id" );
		foreach ( (array) ( $result['answer']['lists'] ?? array() ) as $changed ) {
			delete_transient( 'alsolike_list_' . (int) $changed );
		}
		unset( $problems[ $post_id ] );
		if ( 202 !== $result['status'] ) {
			$problems[ $post_id ] = text_in( (array) ( $result['problem'] ?? array() ), 'detail' );
		}
	}
	if ( $problems !== $before ) {
		update_option( PROBLEMS, array_slice( $problems, -100, null, true ), false );
	}
	// Which other lists a post enters is known when it is built: for two minutes copies are kept for seconds only.
	update_option( FRESH, time() + 120 );
}

/**
 * Marks the posts that a picture stands for.
 *
 * @param int $picture The picture.
 */
function mark_users_of( $picture ) {
	global $wpdb;
	mark_where( "ID IN (SELECT post_id FROM $wpdb->postmeta WHERE meta_key = '_thumbnail_id' AND meta_value = %s)", $picture );
}

/**
 * Marks the posts that stand below others: their addresses hold the names of all above them.
 *
 * @param \WP_Post $changed The post that was renamed, moved or deleted.
 */
function mark_below( $changed ) {
	if ( is_post_type_hierarchical( $changed->post_type ) ) {
		mark_where( 'post_parent > %d', 0 );
	}
}

/**
 * Whether a post's state concerns the service, which may know posts of types that are no longer chosen.
 *
 * @param \WP_Post|null $post The post.
 */
function concerns( $post ) {
	return $post && in_array( $post->post_status, array( 'publish', 'future' ), true ) && in_array( $post->post_type, types_ever(), true );
}

add_action(
	'wp_after_insert_post',
	static function ( $post_id, $post, $update, $before ) {
		if ( concerns( $post ) || concerns( $before ) ) {
			mark( $post_id );
		}
		if ( $before && array( $post->post_name, $post->post_parent ) !== array( $before->post_name, $before->post_parent ) ) {
			mark_below( $post );
		}
	},
	10,
	4
);
add_action(
	'transition_post_status',
	static function ( $status, $before, $post ) {
		$public = array_intersect( array( $status, $before ), array( 'publish', 'future' ) );
		if ( $status !== $before && $public && in_array( $post->post_type, types_ever(), true ) ) {
			mark( $post->ID );
		}
	},
	10,
	3
);
add_action(
	'before_delete_post', // Then WordPress moves them to the post above.
	static function ( $post_id, $post ) {
		mark_below( $post );
	},
	10,
	2
);
add_action(
	'deleted_post',
	static function ( $post_id, $post ) {
		if ( concerns( $post ) ) {
			mark( $post_id );
		}
	},
	10,
	2
);
add_action(
	'set_object_terms',
	static function ( $post_id ) {
		if ( concerns( get_post( $post_id ) ) ) {
			mark( $post_id );
		}
	}
);
foreach ( array( 'added_post_meta', 'updated_post_meta', 'deleted_post_meta' ) as $change ) {
	add_action(
		$change,
		static function ( $meta, $post_id, $key ) {
			if ( '_wp_attachment_image_alt' === $key ) {
				mark_users_of( $post_id );
			}
			if ( ( '_thumbnail_id' === $key || isset( NOINDEX[ $key ] ) ) && concerns( get_post( $post_id ) ) ) {
				mark( $post_id );
			}
		},
		10,
		3
	);
}
add_action(
	'edited_term',
	static function ( $term_id, $relation, $taxonomy ) {
		mark_of_term( $term_id, $taxonomy );
	},
	10,
	3
);
add_action( 'pre_delete_term', __NAMESPACE__ . '\mark_of_term', 10, 2 );
add_action(
	'profile_update',
	static function ( $user_id, $before ) {
		if ( get_userdata( $user_id )->display_name !== $before->display_name ) {
			mark_where( 'post_author = %d', $user_id );
		}
	},
	10,
	2
);
add_action(
	'deleted_user',
	static function ( $user_id, $heir ) {
		mark_where( 'post_author = %d', (int) $heir );
	},
	10,
	2
);
add_action( 'delete_attachment', __NAMESPACE__ . '\mark_users_of' );
add_action( 'permalink_structure_changed', __NAMESPACE__ . '\mark_all' );
add_action( 'update_option_home', __NAMESPACE__ . '\mark_all', 10, 0 );
add_action(
	'update_option_alsolike',
	static function ( $before, $changed ) {
		if ( ( $before['types'] ?? array( 'post' ) ) !== ( $changed['types'] ?? array( 'post' ) ) ) {
			mark_all();
		}
	},
	10,
	2
);
add_action( 'add_option_alsolike', __NAMESPACE__ . '\plan', 20, 0 );
add_action( 'update_option_alsolike', __NAMESPACE__ . '\plan', 20, 0 );
register_activation_hook( dirname( __DIR__ ) . '/alsolike.php', __NAMESPACE__ . '\mark_all' ); // Much may have changed without it.
add_action( DRAIN, __NAMESPACE__ . '\drain', 10, 0 );
add_action( HOURLY, __NAMESPACE__ . '\drain', 10, 0 );
add_action(
	'admin_init',
	static function () {
		if ( ! wp_next_scheduled( HOURLY ) ) {
			wp_schedule_event( time() + HOUR_IN_SECONDS, 'hourly', HOURLY );
		}
	}
);
