<?php
/**
 * Lists of related articles under posts: block, shortcode, and at the end of a text.
 *
 * @package AlsoLike
 */

namespace AlsoLike;

defined( 'ABSPATH' ) || exit;

const LIST_LENGTH = 12;
const AWAY        = 'alsolike_away';
const FRESH       = 'alsolike_fresh';

/**
 * Whether lists are shown at all; they are not while a post's own text is read.
 *
 * @param bool|null $changed The new state.
 */
function show_cards( $changed = null ) {
	static $shown = true;
	if ( null !== $changed ) {
		$shown = $changed;
	}
	return $shown;
}

/**
 * Returns the articles that the service relates to a post and that readers may see now.
 *
 * The list is kept for as long as the service allows. What WordPress itself knows to be
 * unpublished is left out at once, whatever is kept anywhere.
 *
 * @param int $post_id The post.
 * @param int $limit   How many at most.
 * @return array[] Fields of the cards; empty if there are none, or the service is away.
 */
function related( $post_id, $limit ) {
	$kept  = get_transient( "alsolike_list_$post_id" );
	$fresh = time() < (int) get_option( FRESH, 0 );
	if ( ! is_array( $kept ) || ( $fresh && time() - $kept['at'] > 3 ) ) {
		$fetched = fetch_list( $post_id );
		$kept    = $fetched ? $fetched : $kept; // What is kept still holds where the service is away.
	}
	$items = is_array( $kept ) ? $kept['items'] : array();
	$ids   = array_filter( array_column( $items, 'article_id' ), 'ctype_digit' );
	_prime_post_caches( array_map( 'intval', $ids ) );
	$shown = array();
	foreach ( $items as $item ) {
		$post = ctype_digit( $item['article_id'] ) ? get_post( (int) $item['article_id'] ) : null;
		if ( ctype_digit( $item['article_id'] ) && is_here( $item['url'], $post ) ) { // Else it is from another source.
			if ( ! $post || ! is_listed( $post ) ) {
				continue;
			}
			if ( in_array( $post->post_type, types_ever(), true ) ) {
				$item['url']   = get_permalink( $post );
				$item['local'] = $post->ID;
			}
		}
		$shown[] = $item;
	}
	return array_slice( $shown, 0, $limit );
}

/**
 * Whether an address is this site's: another source of the service may have the same numbers.
 *
 * On another host, as before the site was moved or copied, a post is known by its slug. Where that is
 * not in its address, or it may not be shown, its number is enough: in doubt nothing hidden is shown.
 *
 * @param string        $url  The address of a card.
 * @param \WP_Post|null $post The post with the card's number; with some plugins each language has a host.
 */
function is_here( $url, $post ) {
	$link  = $post ? (string) get_permalink( $post ) : '';
	$hosts = array();
	foreach ( array( $url, home_url(), $link ) as $address ) {
		$hosts[] = preg_replace( '/^www\./', '', strtolower( (string) wp_parse_url( $address, PHP_URL_HOST ) ) );
	}
	if ( '' === $hosts[0] || in_array( $hosts[0], array_slice( $hosts, 1 ), true ) ) {
		return true;
	}
	if ( ! $post || ! in_array( $post->post_type, types_ever(), true ) ) {
		return false;
	}
	$slug  = preg_replace( '/__trashed$/', '', $post->post_name );
	$names = array_filter( array_merge( array( $slug ), (array) get_post_meta( $post->ID, '_wp_old_slug' ) ), 'strlen' );
	if ( '' === $slug || false === strpos( $link, $slug ) || ! is_listed( $post ) ) {
		$names[] = (string) $post->ID;
	}
	$names = array_map( 'preg_quote', array_map( 'rawurldecode', $names ) );
	$rest  = rawurldecode( wp_parse_url( $url, PHP_URL_PATH ) . '?' . wp_parse_url( $url, PHP_URL_QUERY ) );
	return (bool) preg_match( '{(?<![a-z0-9])(?:' . implode( '|', $names ) . ')(?![a-z0-9])}i', $rest );
}

/**
 * Asks the service for a post's list, and keeps the answer.
 *
 * @param int $post_id The post.
 * @return array{at: int, items: array[]}|null When it was asked for, and the list; null if the service is away.
 */
function fetch_list( $post_id ) {
	if ( ! setting( 'address' ) || get_transient( AWAY ) ) {
		return null;
	}
	$list   = array(
		'at'    => time(),
		'items' => array(),
	);
	$query  = array(
		'id'    => (string) $post_id,
		'limit' => LIST_LENGTH,
	);
	$start  = microtime( true );
	$answer = request( 'GET', 'v1/related', $query, null, 'token', 1 );
	$items  = 200 === $answer['status'] ? ( $answer['body']['items'] ?? null ) : array();
	$sound  = is_array( $items ) && in_array( $answer['status'], array( 200, 404 ), true );
	if ( ! $sound || microtime( true ) - $start > 2 ) {
		set_transient( AWAY, 1, 20 ); // No page waits for it meanwhile.
	}
	if ( ! $sound ) {
		return null;
	}
	foreach ( $items as $item ) {
		$item = read_item( $item );
		if ( $item ) {
			$item['placement'] = text_in( $answer['body'], 'placement' ); // While the service counts clicks.
			$list['items'][]   = $item;
		}
	}
	$seconds = 404 === $answer['status'] ? 10 : $answer['max_age'];
	if ( $seconds > 0 ) {
		set_transient( "alsolike_list_$post_id", $list, $seconds );
	}
	return $list;
}

/**
 * Returns the fields of a card as texts, whatever was answered; null if it can't be shown.
 *
 * @param mixed $item An item of the service's list.
 */
function read_item( $item ) {
	$item  = is_array( $item ) ? $item : array();
	$image = is_array( $item['image'] ?? null ) ? $item['image'] : array();
	$read  = array(
		'article_id' => text_in( $item, 'article_id' ),
		'title'      => text_in( $item, 'title' ),
		'url'        => text_in( $item, 'url' ),
		'date'       => text_in( $item, 'date' ),
		'excerpt'    => text_in( $item, 'excerpt' ),
		'position'   => is_int( $item['position'] ?? null ) ? $item['position'] : 0,
		'image'      => array(
			'src' => text_in( $image, 'src' ),
			'alt' => text_in( $image, 'alt' ),
		),
	);
	return '' !== $read['article_id'] && '' !== $read['title'] && '' !== $read['url'] ? $read : null;
}

/**
 * Returns the text under a name; empty if there is none, or something else.
 *
 * @param array  $values Values by name.
 * @param string $name   The name.
 */
function text_in( $values, $name ) {
	return is_string( $values[ $name ] ?? null ) ? $values[ $name ] : '';
}

/**
 * Returns a card's picture as HTML, of a post of this site in a small size; empty if it has none.
 *
 * @param array  $item       The card's fields.
 * @param string $size       The size of this site's pictures.
 * @param string $class_name The element's class.
 */
function picture_of( $item, $size, $class_name ) {
	$known = array(
		'class'    => $class_name,
		'alt'      => $item['image']['alt'],
		'loading'  => 'lazy',
		'decoding' => 'async',
		'sizes'    => '(max-width: 35rem) 12rem, 20rem',
	);
	$own   = empty( $item['local'] ) ? 0 : (int) get_post_thumbnail_id( $item['local'] );
	$html  = '' !== $item['image']['src'] && $own ? wp_get_attachment_image( $own, $size, false, $known ) : '';
	if ( '' !== $html || '' === $item['image']['src'] ) {
		return $html;
	}
	return '<img class="' . $class_name . '" src="' . esc_url( $item['image']['src'] ) . '" alt="' . esc_attr( $item['image']['alt'] ) . '" loading="lazy" decoding="async">';
}

/**
 * Returns the section of related articles as HTML; empty if there are none.
 *
 * @param int         $post_id The post.
 * @param int|null    $limit   How many at most; the setting if null.
 * @param string|null $heading What stands above; the setting if null.
 */
function render_cards( $post_id, $limit = null, $heading = null ) {
	try {
		return make_section( $post_id, $limit, $heading );
	} catch ( \Throwable $error ) { // Whatever other plugins' filters do to a card, the post is shown.
		return '';
	}
}

/**
 * Makes the section that render_cards() returns.
 *
 * @param int         $post_id The post.
 * @param int|null    $limit   How many at most; the setting if null.
 * @param string|null $heading What stands above; the setting if null.
 */
function make_section( $post_id, $limit, $heading ) {
	if ( ! show_cards() || ! $post_id || is_feed() ) {
		return '';
	}
	$route = (string) ( $GLOBALS['wp']->query_vars['rest_route'] ?? '' );
	if ( defined( 'REST_REQUEST' ) && REST_REQUEST && false === strpos( $route, '/block-renderer/' ) ) {
		return ''; // Lists are no part of a text that others read.
	}
	$limit = min( LIST_LENGTH, max( 1, (int) ( $limit ? $limit : setting( 'limit' ) ) ) );
	if ( 'browser' === setting( 'look' ) && setting( 'address' ) && ! defined( 'REST_REQUEST' ) ) {
		wp_enqueue_script( 'alsolike-widget', trailingslashit( setting( 'address' ) ) . 'widget.js', array(), VERSION, array( 'strategy' => 'async' ) );
		return '<alsolike-related article="' . (int) $post_id . '" limit="' . $limit . '"></alsolike-related>';
	}
	$items = related( (int) $post_id, $limit );
	if ( ! $items ) {
		return '';
	}
	$heading = trim( (string) ( $heading ? $heading : setting( 'heading' ) ) );
	$heading = '' !== $heading ? $heading : card_words()['heading'];
	$theme   = 'theme' === setting( 'look' );
	wp_enqueue_style( $theme ? 'wp-block-latest-posts' : 'alsolike-cards' );
	$placement  = (string) ( $items[0]['placement'] ?? '' );
	$attributes = ' aria-label="' . esc_attr( $heading ) . '"';
	if ( $placement ) {
		$attributes .= ' data-placement="' . esc_attr( $placement ) . '"';
	}
	if ( $placement && ! is_internal() ) {
		wp_enqueue_script( 'alsolike-clicks', trailingslashit( setting( 'address' ) ) . 'clicks.js', array(), VERSION, array( 'strategy' => 'async' ) );
	}
	$cards = implode( '', array_map( $theme ? __NAMESPACE__ . '\theme_card' : __NAMESPACE__ . '\own_card', $items ) );
	return $theme
		? '<section class="alsolike-related"' . $attributes . '><h2>' . esc_html( $heading )
			. '</h2><ul class="wp-block-latest-posts__list wp-block-latest-posts has-dates">' . $cards . '</ul></section>'
		: '<section class="alsolike"' . $attributes . '><h2 class="alsolike-heading">' . esc_html( $heading )
			. '</h2><ul class="alsolike-cards" role="list">' . $cards . '</ul></section>';
}

/**
 * Whether readers' browsers can't reach the service: its address means their own machine, but the site's does not.
 */
function is_internal() {
	$own = array();
	foreach ( array( setting( 'address' ), home_url() ) as $address ) {
		$own[] = preg_match( '/^(localhost|127\.[\d.]+|\[::1\])$/i', (string) wp_parse_url( $address, PHP_URL_HOST ) );
	}
	return $own[0] && ! $own[1];
}

/**
 * Returns the heading and the label of the links in the page's language.
 *
 * A translation of this plugin comes first; words.json has the service's words for most languages.
 *
 * @return array{heading: string, more: string}
 */
function card_words() {
	$words = array(
		'heading' => __( 'You May Also Like', 'alsolike' ),
		'more'    => __( 'Read more', 'alsolike' ),
	);
	if ( 'You May Also Like' !== $words['heading'] ) {
		return $words;
	}
	static $known = null;
	$known = $known ?? wp_json_file_decode( dirname( __DIR__ ) . '/words.json', array( 'associative' => true ) );
	$tag   = str_replace( array( '_', 'zh-TW', 'zh-HK' ), array( '-', 'zh-Hant', 'zh-Hant' ), determine_locale() );
	while ( $tag && ! isset( $known[ $tag ] ) ) {
		$tag = implode( '-', explode( '-', $tag, -1 ) ); // As in RFC 4647: de-AT, then de.
	}
	return $tag ? array_combine( array_keys( $words ), $known[ $tag ] ) : $words;
}

/**
 * Returns a card that looks as under AlsoLike's own style.
 *
 * @param array $item The card's fields.
 */
function own_card( $item ) {
	$title   = $item['title'];
	$more    = card_words()['more'];
	$picture = picture_of( $item, 'medium_large', 'alsolike-image' );
	$html    = $picture
		? $picture
		: '<span class="alsolike-image alsolike-no-image" aria-hidden="true">' . esc_html( function_exists( 'mb_strtoupper' ) ? mb_strtoupper( mb_substr( $title, 0, 1 ) ) : mb_substr( $title, 0, 1 ) ) . '</span>';
	$html   .= '<div class="alsolike-text"><h3 class="alsolike-title" dir="auto"><a href="' . esc_url( $item['url'] ) . '">' . esc_html( $title ) . '</a></h3>';
	$html   .= date_of( $item, 'alsolike-date' ) . excerpt_of( $item, 'p', 'alsolike-excerpt' );
	$html   .= '<a class="alsolike-more" href="' . esc_url( $item['url'] ) . '" aria-label="' . esc_attr( "$more: $title" ) . '" tabindex="-1">' . esc_html( $more ) . '</a></div>';
	return '<li class="alsolike-card"' . position_of( $item ) . '>' . $html . '</li>';
}

/**
 * Returns a card that looks as the theme's block of latest posts.
 *
 * @param array $item The card's fields.
 */
function theme_card( $item ) {
	$picture = picture_of( $item, 'thumbnail', 'attachment-thumbnail' );
	$html    = $picture ? "<div class=\"wp-block-latest-posts__featured-image\">$picture</div>" : '';
	$html   .= '<a class="wp-block-latest-posts__post-title" href="' . esc_url( $item['url'] ) . '">' . esc_html( $item['title'] ) . '</a>';
	return '<li' . position_of( $item ) . '>' . $html . date_of( $item, 'wp-block-latest-posts__post-date' ) . excerpt_of( $item, 'div', 'wp-block-latest-posts__post-excerpt' ) . '</li>';
}

/**
 * Returns the attribute that says where a card stood in the service's list.
 *
 * @param array $item The card's fields.
 */
function position_of( $item ) {
	return ' data-position="' . (int) ( $item['position'] ?? 0 ) . '"';
}

/**
 * Returns a card's date as HTML, in the site's own form; empty if it has none.
 *
 * @param array  $item       The card's fields.
 * @param string $class_name The element's class.
 */
function date_of( $item, $class_name ) {
	$printed = empty( $item['date'] ) ? '' : mysql2date( get_option( 'date_format' ), $item['date'] . ' 12:00:00' );
	return $printed ? '<time class="' . $class_name . '" datetime="' . esc_attr( $item['date'] ) . '">' . esc_html( $printed ) . '</time>' : '';
}

/**
 * Returns a card's excerpt as HTML; empty if it has none.
 *
 * @param array  $item       The card's fields.
 * @param string $element    The element's name.
 * @param string $class_name The element's class.
 */
function excerpt_of( $item, $element, $class_name ) {
	return empty( $item['excerpt'] ) ? '' : "<$element class=\"$class_name\" dir=\"auto\">" . esc_html( $item['excerpt'] ) . "</$element>";
}

/**
 * Adds related articles to the end of a post's text, unless it shows them by itself.
 *
 * @param string $content The text.
 */
function append_cards( $content ) {
	$post = get_post();
	$here = setting( 'append' ) && $post && is_singular( (array) setting( 'types' ) ) && in_the_loop() && is_main_query()
		&& get_queried_object_id() === $post->ID && ! doing_filter( 'get_the_excerpt' ) && ! post_password_required( $post );
	if ( ! $here || has_block( 'alsolike/related', $post ) || has_shortcode( $post->post_content, 'alsolike' ) ) {
		return $content;
	}
	return $content . render_cards( $post->ID );
}

add_filter( 'the_content', __NAMESPACE__ . '\append_cards', 20 );
add_shortcode(
	'alsolike',
	static function ( $given ) {
		$given = shortcode_atts(
			array(
				'post'    => get_the_ID(),
				'limit'   => null,
				'heading' => null,
			),
			$given,
			'alsolike'
		);
		return render_cards( (int) $given['post'], $given['limit'], $given['heading'] );
	}
);
add_action(
	'init',
	static function () {
		$folder = dirname( __DIR__ ) . '/alsolike.php';
		wp_register_style( 'alsolike-cards', plugins_url( 'cards.css', $folder ), array(), VERSION );
		wp_register_script( 'alsolike-block', plugins_url( 'js/block.js', $folder ), array( 'wp-blocks', 'wp-element', 'wp-block-editor', 'wp-components', 'wp-server-side-render' ), VERSION, true );
		$texts = array(
			'title'   => __( 'Related articles', 'alsolike' ),
			'limit'   => __( 'How many', 'alsolike' ),
			'heading' => __( 'Heading', 'alsolike' ),
			'empty'   => __( 'The list of this post stands here once the service knows the post.', 'alsolike' ),
		);
		wp_add_inline_script( 'alsolike-block', 'window.alsolikeBlock = ' . wp_json_encode( $texts ) . ';', 'before' );
		register_block_type(
			'alsolike/related',
			array(
				'api_version'     => 2,
				'title'           => __( 'Related articles', 'alsolike' ),
				'category'        => 'widgets',
				'editor_script'   => 'alsolike-block',
				'uses_context'    => array( 'postId' ),
				'attributes'      => array(
					'limit'   => array( 'type' => 'number' ),
					'heading' => array( 'type' => 'string' ),
				),
				'render_callback' => static function ( $attributes, $content, $block ) {
					$post_id = $block->context['postId'] ?? get_the_ID();
					return render_cards( (int) $post_id, $attributes['limit'] ?? null, $attributes['heading'] ?? null );
				},
			)
		);
	}
);
add_action(
	'wp_enqueue_scripts',
	static function () {
		if ( 'cards' === setting( 'look' ) && is_singular( (array) setting( 'types' ) ) ) {
			wp_enqueue_style( 'alsolike-cards' ); // In the head, so that nothing moves.
		}
	}
);
