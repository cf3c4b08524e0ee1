<?php
/**
 * The box beside a post: its list as readers see it, to pin and to exclude.
 *
 * Decisions are the service's own, so they outlive its builds and stand in its history, with the name
 * of the WordPress user. They are sent by this server; no browser ever has the token.
 *
 * @package AlsoLike
 */

namespace AlsoLike;

defined( 'ABSPATH' ) || exit;

/**
 * Returns a post's list with its pins and exclusions.
 *
 * @param int $post_id The post.
 * @return array|\WP_Error Fields for the box, or what was wrong.
 */
function read_box( $post_id ) {
	$query      = array( 'id' => (string) $post_id );
	$preview    = request( 'GET', 'v1/preview', $query, null, 'editor_token' );
	$visibility = request( 'GET', 'v1/visibility', $query, null, 'editor_token' );
	if ( 404 === $preview['status'] ) {
		$preview['body'] = array();
	} elseif ( 200 !== $preview['status'] || 200 !== $visibility['status'] ) {
		return failure( 200 === $preview['status'] ? $visibility : $preview );
	}
	$takedown = $visibility['body']['takedown'] ?? null;
	$ended    = isset( $takedown['until'] ) && strtotime( $takedown['until'] ) <= time();
	$own      = array();
	foreach ( (array) ( $preview['body']['overrides'] ?? array() ) as $override ) {
		if ( (string) $post_id === $override['article_id'] ) { // Else it is a rule about many lists.
			$own[ $override['kind'] ][] = $override['target_id'];
		}
	}
	$box = array(
		'known'    => 200 === $preview['status'],
		'shown'    => null === $takedown || $ended || ! empty( $takedown['pushed'] ),
		'items'    => array(),
		'excluded' => array(),
	);
	foreach ( (array) ( $preview['body']['items'] ?? array() ) as $item ) {
		$box['items'][] = array(
			'id'     => $item['article_id'],
			'title'  => $item['title'],
			'pinned' => in_array( $item['article_id'], $own['pin'] ?? array(), true ),
		);
	}
	$titles = array_column( (array) ( $preview['body']['candidates'] ?? array() ), 'title', 'article_id' );
	foreach ( $own['hide'] ?? array() as $target ) {
		$box['excluded'][] = array(
			'id'    => $target,
			'title' => $titles[ $target ] ?? title_of( $target ),
		);
	}
	return $box;
}

/**
 * Returns an article's title if it is a post here, else its id.
 *
 * @param string $article_id The article.
 */
function title_of( $article_id ) {
	$here  = ctype_digit( $article_id ) && in_array( get_post_type( (int) $article_id ), types_ever(), true );
	$title = $here ? get_the_title( (int) $article_id ) : '';
	return '' !== $title ? html_entity_decode( $title, ENT_QUOTES, 'UTF-8' ) : $article_id;
}

/**
 * Returns what the service refused, for the editor.
 *
 * @param array $answer The service's answer.
 */
function failure( $answer ) {
	/* translators: %s: what was wrong. */
	return new \WP_Error( 'alsolike', sprintf( __( 'The service says: %s', 'alsolike' ), $answer['detail'] ), array( 'status' => 502 ) );
}

/**
 * Sends a decision to the service.
 *
 * @param \WP_REST_Request $asked The request: post, target, action, position.
 * @return array|\WP_Error The box as it is then, or what was wrong.
 */
function decide( $asked ) {
	$post_id = (int) $asked['post'];
	/* translators: %s: a user's name. */
	$reason = sprintf( __( 'WordPress: %s', 'alsolike' ), wp_get_current_user()->user_login );
	$pair   = array(
		'article_id' => (string) $post_id,
		'target_id'  => (string) $asked['target'],
	);
	$body   = array( 'reason' => $reason );
	switch ( $asked['action'] ) {
		case 'pin':
			$body  += array(
				'kind'     => 'pin',
				'position' => max( 1, (int) $asked['position'] ),
			);
			$answer = request( 'PUT', 'v1/overrides', $pair, $body, 'editor_token' );
			break;
		case 'exclude':
			$body  += array( 'kind' => 'hide' );
			$answer = request( 'PUT', 'v1/overrides', $pair, $body, 'editor_token' );
			break;
		case 'undo':
			$answer = request( 'DELETE', 'v1/overrides', $pair + $body, null, 'editor_token' );
			break;
		default:
			$body  += array( 'visible' => 'show' === $asked['action'] );
			$answer = request( 'PUT', 'v1/visibility', array( 'id' => (string) $post_id ), $body, 'editor_token' );
	}
	if ( 200 !== $answer['status'] ) {
		return failure( $answer );
	}
	delete_transient( "alsolike_list_$post_id" );
	update_option( FRESH, time() + 60 );
	return read_box( $post_id );
}

add_action(
	'rest_api_init',
	static function () {
		$post = array(
			'type'     => 'integer',
			'required' => true,
		);
		$may  = static function ( $asked ) {
			return current_user_can( 'edit_post', (int) $asked['post'] ) && current_user_can( 'publish_posts' );
		};
		register_rest_route(
			'alsolike/v1',
			'/box',
			array(
				array(
					'methods'             => 'GET',
					'permission_callback' => $may,
					'args'                => array( 'post' => $post ),
					'callback'            => static function ( $asked ) {
						return read_box( (int) $asked['post'] );
					},
				),
				array(
					'methods'             => 'POST',
					'permission_callback' => $may,
					'callback'            => __NAMESPACE__ . '\decide',
					'args'                => array(
						'post'     => $post,
						'target'   => array(
							'type'      => 'string',
							'default'   => '',
							'maxLength' => 200,
						),
						'position' => array(
							'type'    => 'integer',
							'default' => 1,
						),
						'action'   => array(
							'type'     => 'string',
							'required' => true,
							'enum'     => array( 'pin', 'exclude', 'undo', 'show', 'hide' ),
						),
					),
				),
			)
		);
	}
);
add_action(
	'add_meta_boxes',
	static function ( $type, $post = null ) {
		if ( ! setting( 'editor_token' ) || ! in_array( $type, (array) setting( 'types' ), true ) || ! current_user_can( 'publish_posts' ) ) {
			return;
		}
		add_meta_box(
			'alsolike-box',
			__( 'Related articles', 'alsolike' ),
			static function ( $post ) {
				echo '<div id="alsolike-list" data-post="' . esc_attr( $post->ID ) . '"></div>';
			},
			$type,
			'side'
		);
		wp_enqueue_script( 'alsolike-box', plugins_url( 'js/box.js', __DIR__ . '/../alsolike.php' ), array( 'wp-api-fetch' ), VERSION, true );
		$texts = array(
			'pin'      => __( 'Pin', 'alsolike' ),
			'unpin'    => __( 'Unpin', 'alsolike' ),
			'exclude'  => __( 'Exclude', 'alsolike' ),
			'excluded' => __( 'Excluded', 'alsolike' ),
			'restore'  => __( 'Restore', 'alsolike' ),
			'search'   => __( 'Pin another post: search by title', 'alsolike' ),
			'shown'    => __( 'Show this post in lists of others', 'alsolike' ),
			'unknown'  => __( 'The service does not have this post yet.', 'alsolike' ),
		);
		wp_add_inline_script( 'alsolike-box', 'window.alsolikeBox = ' . wp_json_encode( $texts ) . ';', 'before' );
	},
	10,
	2
);
